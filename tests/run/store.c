/* Layers that are laid out lie together, apart from each other, and in large pages. */
#include "test.h"

#include <string.h>

#include "base/memory.h"
#include "packed.h"
#include "run/plan.h"
#include "saved.h"

static void test_aligned_zeroed_and_apart(void **state)
{
    (void)state;
    lopi_store store = {0};
    enum { COUNT = 200 };
    unsigned char *taken[COUNT];
    size_t bytes[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        bytes[i] = 1 + i * i * 7 + (i == 150 ? (size_t)9 << 20 : 0);
        taken[i] = lopi_store_take(&store, bytes[i]);
        assert_non_null(taken[i]);
        assert_int_equal((uintptr_t)taken[i] % LOPI_ALIGNMENT, 0);
        for (size_t b = 0; b < bytes[i]; b++)
            assert_int_equal(taken[i][b], 0);
        memset(taken[i], (int)i, bytes[i]);
    }
    /* What came later has changed nothing of what was there. */
    for (size_t i = 0; i < COUNT; i++)
        for (size_t b = 0; b < bytes[i]; b++)
            assert_int_equal(taken[i][b], (unsigned char)i);
    lopi_store_end(&store);
    assert_null(store.pieces);
    lopi_store_end(&store);
}

static void test_what_is_reserved_lies_together(void **state)
{
    (void)state;
    const size_t bytes[] = {1, 64, 65, 3000000, 2, 1000};
    size_t count = sizeof bytes / sizeof *bytes, sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += lopi_store_bytes(bytes[i]);
    assert_int_equal(sum % LOPI_ALIGNMENT, 0);
    lopi_store store = {0};
    assert_true(lopi_store_reserve(&store, sum));
    unsigned char *expected = store.at;
    for (size_t i = 0; i < count; i++) {
        assert_ptr_equal(lopi_store_take(&store, bytes[i]), expected);
        expected += lopi_store_bytes(bytes[i]);
    }
    assert_int_equal(store.left, 0);
    lopi_store_end(&store);
}

static void test_nothing_at_all(void **state)
{
    (void)state;
    lopi_store store = {0};
    assert_true(lopi_store_reserve(&store, 0));
    lopi_store_end(&store);
    assert_false(lopi_store_reserve(&store, SIZE_MAX - LOPI_ALIGNMENT + 1));
    assert_null(lopi_store_take(&store, SIZE_MAX - 10));
    assert_null(store.pieces);
}

static void test_large_pages_begin_where_they_can(void **state)
{
    (void)state;
    const size_t page = (size_t)2 << 20;
    for (size_t bytes = 1; bytes < 3 * page; bytes = bytes * 2 + 1) {
        unsigned char *block = lopi_alloc_pages(bytes);
        assert_non_null(block);
        bool large = LOPI_LARGE_PIECE > 0 && bytes >= page / 2;
        assert_int_equal((uintptr_t)block % (large ? page : LOPI_ALIGNMENT), 0);
        memset(block, 1, bytes);
        lopi_free(block);
    }
    assert_null(lopi_alloc_pages(SIZE_MAX));
    assert_null(lopi_alloc_pages(SIZE_MAX - LOPI_ALIGNMENT / 2));
}

/* Each class's layers one behind the other, those aside that an earlier class has placed. */
static void check_order(const lop_plan *plan)
{
    const uint8_t *end = NULL;
    size_t placed = 0;
    for (size_t c = 0; c < plan->class_count; c++)
        for (size_t l = 0; l < plan->packed->layer_count; l++) {
            const lopi_laid *laid = plan->classes[c].steps[l];
            const uint8_t *at = laid->memory;
            assert_non_null(at);
            if (end && at < end)
                continue;
            assert_true(!end || at == end);
            end = at + lopi_store_bytes(laid->bytes);
            placed++;
        }
    assert_int_equal(placed, plan->laid_count);
}

static void test_a_plan_has_its_layers_in_one_piece(void **state)
{
    (void)state;
    static const uint32_t widths[] = {784, 300, 100, 10};
    lopi_random random = lopi_random_stream(6, LOPI_STREAM_TEST, 0);
    lop_error error;
    lop_packed *packed = test_packed_new(&random, widths, 3, 0.2F, LOP_VALUES_INT8);
    for (int measure = 0; measure < 2; measure++) {
        lop_plan *plan = NULL, *restored = NULL;
        lop_plan_options options = {.max_batch = 128, .measure = measure};
        assert_int_equal(lop_plan_new(&plan, packed, &options, &error), LOP_OK);
        check_order(plan);
        char *text = test_plan_text(plan);
        options.saved = text;
        assert_int_equal(lop_plan_new(&restored, packed, &options, &error), LOP_OK);
        check_order(restored);
        assert_int_equal(restored->laid_count, plan->laid_count);
        lop_plan_free(plan);
        lop_plan_free(restored);
        lopi_free(text);
    }
    lop_packed_free(packed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_aligned_zeroed_and_apart),
        cmocka_unit_test(test_what_is_reserved_lies_together),
        cmocka_unit_test(test_nothing_at_all),
        cmocka_unit_test(test_large_pages_begin_where_they_can),
        cmocka_unit_test(test_a_plan_has_its_layers_in_one_piece),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
