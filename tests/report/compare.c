#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <lop/report.h>

enum { MOST = 16 };

typedef struct made {
    lop_result items[MOST];
    lop_results results;
} made;

static void add(made *m, const char *method, uint64_t seed, uint64_t left, double accuracy)
{
    lop_result *result = &m->items[m->results.count++];
    *result = lop_result_empty();
    assert_int_equal(lop_result_set_text(&result->dataset, "d", NULL), LOP_OK);
    assert_int_equal(lop_result_set_text(&result->network, "n", NULL), LOP_OK);
    assert_int_equal(lop_result_set_text(&result->method, method, NULL), LOP_OK);
    result->seed = seed;
    result->target_sparsity = 1 - (double)left / 10000;
    result->weights_total = 10000;
    result->weights_left = left;
    result->test_accuracy = accuracy;
    result->test_loss = 1 - accuracy;
    m->results.items = m->items;
}

static void end(made *m)
{
    for (size_t i = 0; i < m->results.count; i++)
        lop_result_free(&m->items[i]);
}

static const lop_rank *find(const lop_rank *ranks, size_t count, const char *name, double share)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(ranks[i].name, name) == 0 && ranks[i].share == share)
            return &ranks[i];
    return NULL;
}

/* Figures by hand: log(0.1) lies half way between log(0.2) and log(0.05). */
static void accuracy_lies_on_the_line_over_the_logarithm(void **state)
{
    (void)state;
    made m = {.results = {0}};
    lop_rank *ranks = NULL;
    size_t count = 0;
    add(&m, "weight", 1, 2000, 0.9);
    add(&m, "weight", 1, 500, 0.7);
    add(&m, "weight", 2, 2000, 0.8);
    add(&m, "weight", 2, 500, 0.7);
    add(&m, "unit", 1, 1008, 0.95);
    add(&m, "unit", 1, 300, 0.1);
    assert_int_equal(lop_compare(&m.results, &ranks, &count, NULL), LOP_OK);

    const lop_rank *weight = find(ranks, count, "weight", 0.1);
    assert_non_null(weight);
    assert_int_equal(weight->seeds, 2);
    /* 0.8 and 0.75; a few roundings of doubles near 1 */
    assert_true(fabs(weight->accuracy - 0.775) < 1e-14);
    assert_true(fabs(weight->accuracy_deviation - 0.05 / sqrt(2)) < 1e-14);
    assert_true(fabs(weight->loss - 0.225) < 1e-14);
    assert_int_equal(weight->rank, 2);

    /* 1008 of 10000 is 10 % for all that anybody can tell, and one seed has no deviation. */
    const lop_rank *unit = find(ranks, count, "unit", 0.1);
    assert_non_null(unit);
    assert_int_equal(unit->rank, 1);
    assert_true(unit->accuracy == 0.95);
    assert_true(isnan(unit->accuracy_deviation));

    /* At their own points, and nowhere beyond what was measured. */
    assert_true(fabs(find(ranks, count, "weight", 0.2)->accuracy - 0.85) < 1e-14);
    assert_null(find(ranks, count, "unit", 0.2));
    assert_null(find(ranks, count, "weight", 0.03));
    assert_true(find(ranks, count, "unit", 0.03)->accuracy == 0.1);
    assert_int_equal(find(ranks, count, "weight", 0.05)->rank, 1);

    /* Blocks by falling share, ranks from 1 in each. */
    for (size_t i = 1; i < count; i++)
        assert_true(ranks[i].share < ranks[i - 1].share
                        ? ranks[i].rank == 1
                        : ranks[i].share == ranks[i - 1].share &&
                              ranks[i].rank == ranks[i - 1].rank + 1);
    free(ranks);
    end(&m);
}

static void nothing_to_compare_is_no_error(void **state)
{
    (void)state;
    made m = {.results = {0}};
    lop_rank *ranks = NULL;
    size_t count = 7;
    add(&m, "weight", 1, 10000, 0.9);
    add(&m, "weight", 1, 0, 0.1);
    m.items[0].test_accuracy = NAN;
    assert_int_equal(lop_compare(&m.results, &ranks, &count, NULL), LOP_OK);
    assert_int_equal(count, 0);
    free(ranks);
    end(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accuracy_lies_on_the_line_over_the_logarithm),
        cmocka_unit_test(nothing_to_compare_is_no_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
