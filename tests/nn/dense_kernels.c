/* oneDNN's products as kernels of the runtime: right, in plans, and in saved plans. */
#include "test.h"

#include <pthread.h>
#include <string.h>

#include <lop/network.h>

#include "base/memory.h"
#include "run/kernel_case.h"
#include "run/packed.h"
#include "run/saved.h"

static const char *const names[] = {"dense-onednn-f32", "dense-onednn-bf16", "dense-onednn-i8"};

enum { NAMES = sizeof names / sizeof *names, MOST = 70 };

/* Runs first: nothing is registered yet. */
static void a_plan_that_names_what_is_not_registered_is_refused(void **state)
{
    static const uint32_t widths[] = {30, 20, 10};
    lopi_random random = lopi_random_stream(1, LOPI_STREAM_TEST, 0);
    lop_packed *packed = test_packed_new(&random, widths, 2, 0.5f, LOP_VALUES_FLOAT32);
    lop_plan *plan = NULL, *again = NULL;
    lop_error error = {0};
    (void)state;
    assert_null(lopi_kernel_find(names[0]));
    assert_int_equal(lop_plan_new(&plan, packed, NULL, NULL), LOP_OK);
    char *text = test_plan_with(plan, "dense-onednn-i8", false);
    const lop_plan_options saved = {.saved = text};
    assert_int_equal(lop_plan_new(&again, packed, &saved, &error), LOP_E_UNSUPPORTED);
    assert_non_null(strstr(error.text, "'dense-onednn-i8', which cannot be used here; plan anew"));
    assert_null(again);
    const lop_plan_options named = {.kernel = "dense-onednn-i8"};
    assert_int_equal(lop_plan_new(&again, packed, &named, &error), LOP_E_NAME);
    lopi_free(text);
    lop_plan_free(plan);
    lop_packed_free(packed);
}

/* What this machine's oneDNN has not is not there. */
static const lopi_kernel *find(size_t index)
{
    lop_dense_kernels_register();
    const lopi_kernel *kernel = lopi_kernel_find(names[index]);
    if (!kernel)
        print_message("skipped: oneDNN has no %s here\n", names[index]);
    return kernel;
}

static void registering_twice_is_once(void **state)
{
    (void)state;
    lop_dense_kernels_register();
    lop_dense_kernels_register();
    size_t count = 0;
    const lopi_kernel *kernel;
    for (size_t i = 0; (kernel = lopi_kernel_at(i)); i++)
        count += strcmp(kernel->name, names[0]) == 0;
    assert_int_equal(count, 1);
}

static void they_compute_what_the_definition_says(void **state)
{
    static const struct {
        uint32_t outputs, inputs;
        size_t samples;
        float density;
    } shapes[] = {{1, 1, 1, 1},      {3, 5, 7, 0.5f},       {10, 200, 33, 0.1f},
                  {64, 64, 8, 1},    {65, 63, 130, 1},      {17, 257, 1, 0.9f},
                  {257, 100, 41, 0}, {100, 128, 128, 0.3f}, {16, 16, 600, 0.5f}};
    case_memory memory;
    (void)state;
    assert_true(case_memory_new(&memory));
    for (size_t k = 0; k < NAMES; k++) {
        const lopi_kernel *kernel = find(k);
        for (size_t i = 0; kernel && i < sizeof shapes / sizeof *shapes; i++)
            for (int style = 0; style < STYLE_COUNT; style++) {
                const case_spec spec = {.kernel = kernel,
                                        .outputs = shapes[i].outputs,
                                        .inputs = shapes[i].inputs,
                                        .samples = shapes[i].samples,
                                        .density = shapes[i].density,
                                        .input_density = 0.6f,
                                        .style = (value_style)style,
                                        .last = i % 2,
                                        .relu = style % 2,
                                        .at_end = i % 3 == 0,
                                        .seed = i};
                case_result result = case_check(&memory, &spec);
                if (result.wrong[0])
                    fail_msg("%s, %u x %u, %zu samples, style %d: %s", names[k], spec.outputs,
                             spec.inputs, spec.samples, style, result.wrong);
            }
    }
    case_memory_free(&memory);
}

/* A network planned by one of the kernels alone, run by several threads at once. */
typedef struct fixture {
    lop_packed *packed;
    lop_plan *plan;
    float x[MOST * 30], y[MOST * 10];
} fixture;

static fixture begin(size_t index, lop_run_precision precision, size_t threads)
{
    static const uint32_t widths[] = {30, 40, 10};
    fixture f = {0};
    lopi_random random = lopi_random_stream(5, LOPI_STREAM_TEST, 0);
    f.packed = test_packed_new(&random, widths, 2, 0.5f, LOP_VALUES_FLOAT32);
    const lop_plan_options options = {
        .precision = precision, .kernel = names[index], .threads = threads, .max_batch = 32};
    lop_status status = lop_plan_new(&f.plan, f.packed, &options, NULL);
    assert_int_equal(status, LOP_OK);
    lop_plan_choice choice;
    assert_int_equal(lop_plan_choice_get(f.plan, 0, 0, &choice, NULL), LOP_OK);
    assert_string_equal(choice.chosen.kernel, names[index]);
    assert_true(choice.products == 30 * 40 && choice.chosen.bytes >= 30 * 40);
    for (size_t i = 0; i < MOST * 30; i++)
        f.x[i] = lopi_random_float(&random);
    return f;
}

static void *run_often(void *given)
{
    const fixture *f = given;
    size_t size = lop_plan_workspace(f->plan);
    void *workspace = lopi_alloc_aligned(size, 1);
    float y[MOST * 10];
    bool same = workspace;
    for (size_t i = 0; i < 50 && same; i++) {
        size_t batch = 1 + 23 * i % MOST;
        memset(y, 0, sizeof y);
        same = lop_plan_run(f->plan, f->x, batch, y, workspace, size, NULL) == LOP_OK &&
               memcmp(y, f->y, batch * 10 * sizeof *y) == 0;
    }
    lopi_free(workspace);
    return same ? given : NULL;
}

static void plans_of_them_serve_many_threads(void **state)
{
    enum { THREADS = 20 }; /* more than there are sets of memory objects */
    (void)state;
    if (!find(2))
        return;
    fixture f = begin(2, LOP_RUN_INT8, 2);
    for (size_t s = 0; s < MOST; s++)
        test_packed_compute_int8(f.packed, f.x + 30 * s, f.y + 10 * s);
    pthread_t thread[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, run_often, &f), 0);
    for (size_t i = 0; i < THREADS; i++) {
        void *result = NULL;
        assert_int_equal(pthread_join(thread[i], &result), 0);
        assert_non_null(result);
    }
    lop_plan_free(f.plan);
    lop_packed_free(f.packed);
}

/* bf16 comes where it is asked for, and nowhere else; a plan that has it says so. */
static void bf16_is_for_those_who_ask(void **state)
{
    (void)state;
    if (!find(1))
        return;
    fixture f = begin(1, LOP_RUN_BF16, 1);
    lop_plan_facts facts;
    lop_plan_facts_get(f.plan, &facts);
    assert_int_equal(facts.precision, LOP_RUN_BF16);
    char *text = test_plan_text(f.plan);
    lop_plan *again = NULL;
    lop_plan_options saved = {.precision = LOP_RUN_FLOAT32, .saved = text, .max_batch = 32};
    assert_int_equal(lop_plan_new(&again, f.packed, &saved, NULL), LOP_E_UNSUPPORTED);
    saved.precision = LOP_RUN_BF16;
    assert_int_equal(lop_plan_new(&again, f.packed, &saved, NULL), LOP_OK);
    lop_plan_free(again);
    again = NULL;
    const lop_plan_options exact = {.precision = LOP_RUN_FLOAT32, .kernel = names[1]};
    assert_int_equal(lop_plan_new(&again, f.packed, &exact, NULL), LOP_OK);
    lop_plan_choice choice;
    assert_int_equal(lop_plan_choice_get(again, 0, 0, &choice, NULL), LOP_OK);
    assert_string_not_equal(choice.chosen.kernel, names[1]);
    lop_plan_free(again);
    lopi_free(text);
    lop_plan_free(f.plan);
    lop_packed_free(f.packed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plan_that_names_what_is_not_registered_is_refused),
        cmocka_unit_test(registering_twice_is_once),
        cmocka_unit_test(they_compute_what_the_definition_says),
        cmocka_unit_test(plans_of_them_serve_many_threads),
        cmocka_unit_test(bf16_is_for_those_who_ask),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
