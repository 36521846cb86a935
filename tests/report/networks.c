#include "test.h"

#include <string.h>

#include "report/networks.h"

/* A list as opening makes it, with files of made-up sizes: that they were opened is all that
 * choosing looks at. */
static lopi_shown_network items[128];
static lop_result results[128];
static lopi_shown_networks list;

static void begin(void) { list = (lopi_shown_networks){.items = items}; }

static void add(size_t block, size_t series, double k, size_t bytes)
{
    static char opened;
    size_t index = list.count++;
    results[index] = (lop_result){.target_sparsity = k};
    items[index] = (lopi_shown_network){.block = block,
                                        .series = series,
                                        .result = &results[index],
                                        .file = {.size = bytes},
                                        .packed = bytes ? (lop_packed *)&opened : NULL,
                                        .same = index};
}

static const double sparsities[] = {0, .25, .5, .6, .7, .8, .9, .95, .97, .99};
enum { SPARSITIES = sizeof sparsities / sizeof *sparsities };
/* Bytes of the challenge network's files, in few values. */
static const size_t by_weight[] = {330000, 883000, 777000, 640000, 574000,
                                   425000, 229000, 126000, 81000,  30000};
static const size_t by_unit[] = {330000, 659000, 363000, 259000, 168000,
                                 95000,  40000,  18000,  10000,  3000};

static void add_series(size_t block, size_t series, const size_t *bytes, size_t best)
{
    for (size_t i = 0; i < SPARSITIES; i++) {
        add(block, series, sparsities[i], bytes[i]);
        items[list.count - 1].best = i == best;
    }
}

/* Carried, as digits of a series' places: "0679". */
static const char *carried(size_t block, size_t series)
{
    static char text[4][SPARSITIES + 1];
    static size_t next;
    char *at = text[next = (next + 1) % 4];
    size_t place = 0, count = 0;
    for (size_t i = 0; i < list.count; i++)
        if (items[i].block == block && items[i].series == series) {
            if (items[items[i].same].carried)
                at[count++] = (char)('0' + place);
            place++;
        }
    at[count] = 0;
    return at;
}

static size_t bytes_carried(void)
{
    size_t sum = 0;
    for (size_t i = 0; i < list.count; i++)
        sum += items[i].carried ? items[i].file.size : 0;
    return sum;
}

static void one_sweep_spreads(void **state)
{
    (void)state;
    begin();
    add_series(0, 0, by_weight, 6);
    add_series(0, 1, by_unit, 3);
    items[SPARSITIES].same = 0; /* one dense network serves both */
    lopi_shown_networks_carry(&list, 1250000);
    assert_string_equal(carried(0, 0), "06789");
    assert_string_equal(carried(0, 1), "0356789");
    assert_in_range(bytes_carried(), 1100000, 1250000);
}

/* Eight series share what two had: each keeps its ends and something between. */
static void many_sweeps_share(void **state)
{
    (void)state;
    begin();
    for (size_t block = 0; block < 2; block++) {
        size_t first = list.count;
        add_series(block, 0, by_weight, 6);
        add_series(block, 1, by_unit, 3);
        items[first + SPARSITIES].same = first;
        add_series(block, 2, by_weight, 9);
        add_series(block, 3, by_unit, 6);
    }
    lopi_shown_networks_carry(&list, 1250000);
    for (size_t block = 0; block < 2; block++) {
        assert_non_null(strchr(carried(block, 0), '0'));
        assert_null(strchr(carried(block, 2), '0')); /* another dense network says nothing new */
        assert_non_null(strchr(carried(block, 2), '9'));
        assert_non_null(strchr(carried(block, 3), '6'));
        for (size_t series = 0; series < 4; series++) {
            assert_non_null(strchr(carried(block, series), '9'));
            assert_true(strlen(carried(block, series)) >= (series == 2 ? 1 : 2));
        }
    }
    assert_in_range(bytes_carried(), 1100000, 1250000);
}

/* What the headline names comes before what is merely small. */
static void the_best_is_carried(void **state)
{
    (void)state;
    begin();
    for (size_t i = 0; i < 20; i++)
        add(0, 0, 0.5 + 0.02 * (double)i, i == 0 ? 5000 : 1000);
    items[0].best = true;
    lopi_shown_networks_carry(&list, 9000);
    assert_true(items[0].carried);
    assert_true(items[19].carried);
    assert_int_equal(bytes_carried(), 9000);
    /* Even steps: no network is further from a carried one than so few allow. */
    size_t gap = 0, widest = 0;
    for (size_t i = 0; i < 20; i++) {
        gap = items[i].carried ? 0 : gap + 1;
        widest = gap > widest ? gap : widest;
    }
    assert_true(widest <= 7);
}

static void nothing_fits_or_opens(void **state)
{
    (void)state;
    begin();
    lopi_shown_networks_carry(&list, 1000);
    add_series(0, 0, by_unit, 3);
    lopi_shown_networks_carry(&list, 0);
    assert_int_equal(bytes_carried(), 0);
    lopi_shown_networks_carry(&list, 2999);
    assert_int_equal(bytes_carried(), 0);
    lopi_shown_networks_carry(&list, 4500);
    assert_string_equal(carried(0, 0), "9");
    /* Those that are missing take no room, and no part. */
    begin();
    for (size_t i = 0; i < 10; i++)
        add(0, i / 5, sparsities[i], 0);
    lopi_shown_networks_carry(&list, 1000000);
    assert_int_equal(bytes_carried(), 0);
    add(0, 1, 0.995, 1000);
    lopi_shown_networks_carry(&list, 1000000);
    assert_int_equal(bytes_carried(), 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_sweep_spreads),
        cmocka_unit_test(many_sweeps_share),
        cmocka_unit_test(the_best_is_carried),
        cmocka_unit_test(nothing_fits_or_opens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
