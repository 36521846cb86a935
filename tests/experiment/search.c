#include "test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/random.h"
#include "experiment/search.h"

enum { MOST = 130, NOWHERE = MOST };

/* A made-up curve, and what a search sees of it. */
struct curve {
    size_t count;
    double accuracy[MOST], least_accuracy;
    double size[MOST], most_size;
    bool has_loss, looked[MOST];
    size_t looks, fail_at;
    bool any;
    lopi_probe best;
};

static lopi_probe probe_of(const struct curve *curve, size_t point)
{
    return (lopi_probe){
        .point = point,
        .lossy = curve->has_loss &&
                 curve->accuracy[point]<curve->least_accuracy, .large = curve->size[point]> curve
                     ->most_size,
        .excess = curve->size[point] / curve->most_size,
        .accuracy = curve->accuracy[point],
    };
}

static bool is_within(const struct curve *curve, size_t point)
{
    const lopi_probe probe = probe_of(curve, point);
    return !probe.lossy && !probe.large;
}

static lop_status look(void *context, lopi_probe *out, lop_error *error)
{
    struct curve *curve = context;
    assert_true(out->point < curve->count);
    assert_false(curve->looked[out->point]);
    if (curve->looks++ == curve->fail_at)
        return lopi_fail(error, LOP_E_CANCELLED, "enough");
    curve->looked[out->point] = true;
    *out = probe_of(curve, out->point);
    if (!curve->any || lopi_probe_better(out, &curve->best, curve->has_loss))
        curve->best = *out;
    curve->any = true;
    return LOP_OK;
}

static void search(struct curve *curve, size_t neighbours, bool dense_first)
{
    const lopi_search s = {
        .count = curve->count,
        .neighbours = neighbours,
        .has_loss = curve->has_loss,
        .dense_first = dense_first,
        .look = look,
        .context = curve,
    };
    memset(curve->looked, 0, sizeof curve->looked);
    curve->looks = 0;
    curve->fail_at = NOWHERE + 1;
    curve->any = false;
    assert_int_equal(lopi_search_run(&s, NULL), LOP_OK);
    assert_true(curve->any);
}

/* The sparsest of all points within, by looking at all of them. */
static size_t exhaustive(const struct curve *curve)
{
    size_t found = NOWHERE;
    for (size_t i = 0; i < curve->count; i++)
        if (is_within(curve, i))
            found = i;
    return found;
}

/* Accuracy falls and sizes fall, by random steps; with noise accuracy rises now and then. */
static struct curve curve_of(uint64_t number, double noise)
{
    lopi_random random = lopi_random_stream(11, LOPI_STREAM_TEST, number);
    struct curve curve = {.count = 1 + lopi_random_below(&random, MOST), .has_loss = true};
    double accuracy = 1, size = 1000;
    for (size_t i = 0; i < curve.count; i++) {
        accuracy -= lopi_random_double(&random) / 100;
        size *= 0.95 - 0.05 * lopi_random_double(&random);
        curve.accuracy[i] = accuracy + noise * lopi_random_normal(&random);
        curve.size[i] = size;
    }
    curve.least_accuracy = 1 - 0.8 * lopi_random_double(&random);
    curve.most_size = INFINITY;
    if (number % 2)
        curve.most_size = curve.size[lopi_random_below(&random, (uint32_t)curve.count)];
    return curve;
}

static void a_falling_curve_is_searched_as_if_all_were_seen(void **state)
{
    (void)state;
    size_t met = 0;
    for (uint64_t number = 0; number < 400; number++) {
        struct curve curve = curve_of(number, 0);
        size_t expected = exhaustive(&curve), neighbours = 1 + number % 4;
        search(&curve, neighbours, number % 3 == 0);
        met += expected != NOWHERE;
        assert_int_equal(is_within(&curve, curve.best.point), expected != NOWHERE);
        if (expected != NOWHERE)
            assert_int_equal(curve.best.point, expected);
        /* Halving, the look at the dense end, and the neighbours of which one is seen already. */
        size_t most = (size_t)ceil(log2((double)curve.count + 1)) + 1 + neighbours - 1;
        assert_true(curve.looks <= most);
    }
    /* Both cases were there. */
    assert_in_range(met, 100, 399);
}

static void on_a_noisy_curve_the_promise_holds(void **state)
{
    (void)state;
    size_t missed = 0;
    for (uint64_t number = 0; number < 400; number++) {
        struct curve curve = curve_of(number, 0.02);
        size_t expected = exhaustive(&curve), neighbours = 1 + number % 4;
        search(&curve, neighbours, number % 3 == 0);
        size_t found = curve.best.point;
        missed += expected != NOWHERE && found != expected;
        if (!is_within(&curve, found))
            continue;
        assert_true(found <= expected);
        for (size_t i = found + 1; i < curve.count && i <= found + neighbours; i++)
            assert_true(curve.looked[i] && probe_of(&curve, i).lossy);
    }
    /* The noise does lead astray, or the test would show nothing. */
    assert_true(missed > 0);
}

static void who_looks_at_all_neighbours_finds_the_sparsest(void **state)
{
    (void)state;
    for (uint64_t number = 0; number < 200; number++) {
        struct curve curve = curve_of(number, 0.02);
        size_t expected = exhaustive(&curve);
        search(&curve, curve.count, false);
        if (expected != NOWHERE)
            assert_int_equal(curve.best.point, expected);
        else
            assert_false(is_within(&curve, curve.best.point));
    }
}

/* Of sizes alone the densest that fits is wanted; that is most often the first. */
static void without_a_limit_of_loss_the_densest_is_found(void **state)
{
    (void)state;
    for (uint64_t number = 0; number < 200; number++) {
        struct curve curve = curve_of(number, 0);
        size_t densest = 0;
        curve.has_loss = false;
        while (densest < curve.count && !is_within(&curve, densest))
            densest++;
        search(&curve, 2, true);
        if (densest < curve.count)
            assert_int_equal(curve.best.point, densest);
        if (densest == 0)
            assert_int_equal(curve.looks, 1);
        /* Steps that double, and halving back. */
        assert_true(curve.looks <= 2 * (size_t)ceil(log2((double)densest + 2)) + 1);
    }
}

static void the_better_one_is_as_the_header_says(void **state)
{
    (void)state;
    /* From the best to the worst; where it depends on the limit, the first flag is for loss. */
    static const lopi_probe with_loss[] = {
        {.point = 5, .accuracy = 0.90},
        {.point = 4, .accuracy = 0.99},
        {.point = 1, .lossy = true, .accuracy = 0.89},
        {.point = 9, .lossy = true, .accuracy = 0.88},
        {.point = 2, .lossy = true, .accuracy = 0.88},
        {.point = 0, .large = true, .excess = 1.1, .accuracy = 0.5},
        {.point = 0, .large = true, .lossy = true, .excess = 1.2, .accuracy = 0.6},
        {.point = 0, .large = true, .excess = 1.2, .accuracy = 0.5},
    };
    static const lopi_probe without[] = {
        {.point = 4, .accuracy = 0.99},
        {.point = 3, .accuracy = 0.90},
        {.point = 5, .accuracy = 0.90},
        {.point = 0, .large = true, .excess = 3, .accuracy = 1},
    };
    for (size_t i = 0; i < sizeof with_loss / sizeof *with_loss; i++)
        for (size_t j = 0; j < sizeof with_loss / sizeof *with_loss; j++)
            assert_int_equal(lopi_probe_better(&with_loss[i], &with_loss[j], true), i < j);
    for (size_t i = 0; i < sizeof without / sizeof *without; i++)
        for (size_t j = 0; j < sizeof without / sizeof *without; j++)
            assert_int_equal(lopi_probe_better(&without[i], &without[j], false), i < j);
}

static void a_failure_ends_the_search(void **state)
{
    (void)state;
    for (size_t i = 0; i < 8; i++) {
        struct curve curve = curve_of(6, 0);
        curve.has_loss = i % 2;
        const lopi_search s = {
            .count = curve.count,
            .neighbours = 100,
            .has_loss = curve.has_loss,
            .look = look,
            .context = &curve,
        };
        lop_error error = {0};
        curve.most_size = curve.has_loss ? INFINITY : 0;
        curve.fail_at = i / 2;
        assert_int_equal(lopi_search_run(&s, &error), LOP_E_CANCELLED);
        assert_string_equal(error.text, "enough");
        assert_int_equal(curve.looks, i / 2 + 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_falling_curve_is_searched_as_if_all_were_seen),
        cmocka_unit_test(on_a_noisy_curve_the_promise_holds),
        cmocka_unit_test(who_looks_at_all_neighbours_finds_the_sparsest),
        cmocka_unit_test(without_a_limit_of_loss_the_densest_is_found),
        cmocka_unit_test(the_better_one_is_as_the_header_says),
        cmocka_unit_test(a_failure_ends_the_search),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
