/**
 * What the runtime's tests use of cmocka, for machines that have a compiler and no cmocka
 * (machine.sh). A failed assertion says where and leaves its test by longjmp, as cmocka's does.
 */
#ifndef LOP_TEST_MACHINE_CMOCKA_H
#define LOP_TEST_MACHINE_CMOCKA_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct CMUnitTest {
    const char *name;
    void (*run)(void **state);
    int (*setup)(void **state);
    int (*teardown)(void **state);
};

/* One program is one file: its state is here. */
static jmp_buf machine_back;

static void machine_stop(int how) { longjmp(machine_back, how); }

static void machine_check(bool holds, const char *what, const char *file, int line)
{
    if (holds)
        return;
    printf("%s:%d: %s\n", file, line, what);
    machine_stop(1);
}

/* How a test ended: 0, or what it stopped with. */
static int machine_run(const struct CMUnitTest *test)
{
    void *state = NULL;
    int how = setjmp(machine_back);
    if (how == 0) {
        if (test->setup)
            machine_check(test->setup(&state) == 0, "setup", test->name, 0);
        test->run(&state);
        if (test->teardown)
            machine_check(test->teardown(&state) == 0, "teardown", test->name, 0);
    }
    return how;
}

static int machine_group(const struct CMUnitTest *tests, size_t count)
{
    int failed = 0, skipped = 0;
    for (size_t i = 0; i < count; i++) {
        int how = machine_run(&tests[i]);
        failed += how == 1;
        skipped += how == 2;
        if (how == 1)
            printf("FAILED: %s\n", tests[i].name);
    }
    printf("%zu tests, %d failed, %d skipped\n", count, failed, skipped);
    return failed;
}

#define cmocka_unit_test(f)                                                                        \
    {                                                                                              \
#f, f, NULL, NULL                                                                          \
    }
#define cmocka_unit_test_setup_teardown(f, up, dn)                                                 \
    {                                                                                              \
#f, f, up, dn                                                                              \
    }
#define cmocka_run_group_tests(tests, setup, teardown)                                             \
    machine_group(tests, sizeof(tests) / sizeof *(tests))

#define machine_assert(condition)     machine_check(condition, #condition, __FILE__, __LINE__)
#define assert_true(a)                machine_assert(a)
#define assert_false(a)               machine_assert(!(a))
#define assert_null(a)                machine_assert((a) == NULL)
#define assert_non_null(a)            machine_assert((a) != NULL)
#define assert_ptr_equal(a, b)        machine_assert((const void *)(a) == (const void *)(b))
#define assert_int_equal(a, b)        machine_assert((intmax_t)(a) == (intmax_t)(b))
#define assert_int_not_equal(a, b)    machine_assert((intmax_t)(a) != (intmax_t)(b))
#define assert_in_range(a, low, high) machine_assert((a) >= (low) && (a) <= (high))
#define assert_string_equal(a, b)     machine_assert(strcmp(a, b) == 0)
#define assert_string_not_equal(a, b) machine_assert(strcmp(a, b) != 0)
#define assert_memory_equal(a, b, n)  machine_assert(memcmp(a, b, n) == 0)
#define skip()                        machine_stop(2)
#define fail_msg(...)                 (printf(__VA_ARGS__), machine_check(false, "", __FILE__, __LINE__))
#define print_message(...)            printf(__VA_ARGS__)

#endif
