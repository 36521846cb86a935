/* Layers that are laid out lie together, apart from each other, and in large pages. */
#include "test.h"

#include <string.h>

#include "base/memory.h"
#include "run/store.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_aligned_zeroed_and_apart),
        cmocka_unit_test(test_what_is_reserved_lies_together),
        cmocka_unit_test(test_nothing_at_all),
        cmocka_unit_test(test_large_pages_begin_where_they_can),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
