#include "test.h"

#include <math.h>
#include <string.h>

#include "nn/loss.h"

/* Against values worked out by hand: softmax of (0, log 2, log 5) is (1, 2, 5) / 8. */
static void known_values(void **state)
{
    (void)state;
    const float logits[] = {0, (float)log(2), (float)log(5), 0, (float)log(2), (float)log(5)};
    const uint16_t labels[] = {1, 2};
    float gradient[6];
    uint32_t predictions[2];
    double loss;
    size_t correct;
    const lopi_loss in = {.logits = logits,
                          .batch = 2,
                          .classes = 3,
                          .labels = labels,
                          .gradient = gradient,
                          .predictions = predictions};
    assert_int_equal(lopi_loss_compute(&in, &loss, &correct, NULL), LOP_OK);
    assert_true(fabs(loss - (log(4) + log(1.6)) / 2) < 1e-7); /* logits are rounded to float32 */
    assert_int_equal(correct, 1);
    assert_int_equal(predictions[0], 2);
    const double expected[] = {1 / 16., -6 / 16., 5 / 16., 1 / 16., 2 / 16., -3 / 16.};
    for (size_t i = 0; i < 6; i++)
        assert_true(fabs(gradient[i] - expected[i]) < 1e-7);
}

static void soft_targets_are_label_smoothing(void **state)
{
    (void)state;
    const float logits[] = {0.3f, -1.5f, 2.25f, 0.5f};
    const uint16_t label = 1;
    const float targets[] = {0.05f, 0.85f, 0.05f, 0.05f};
    float smoothed[4], soft[4];
    double a, b;
    lopi_loss in = {.logits = logits,
                    .batch = 1,
                    .classes = 4,
                    .labels = &label,
                    .label_smoothing = 0.2,
                    .gradient = smoothed};
    assert_int_equal(lopi_loss_compute(&in, &a, NULL, NULL), LOP_OK);
    in.targets = targets;
    in.gradient = soft;
    assert_int_equal(lopi_loss_compute(&in, &b, NULL, NULL), LOP_OK);
    assert_true(fabs(a - b) < 1e-6); /* targets are rounded to float32 */
    for (size_t i = 0; i < 4; i++)
        assert_true(fabsf(smoothed[i] - soft[i]) < 1e-6f);
}

static void large_logits_stay_finite(void **state)
{
    (void)state;
    const float logits[] = {3e38f, -3e38f, 1000, 1001};
    const uint16_t labels[] = {0, 0};
    float gradient[4];
    double loss;
    const lopi_loss in = {
        .logits = logits, .batch = 2, .classes = 2, .labels = labels, .gradient = gradient};
    assert_int_equal(lopi_loss_compute(&in, &loss, NULL, NULL), LOP_OK);
    assert_true(fabs(loss - log1p(exp(1)) / 2) < 1e-12);
    for (size_t i = 0; i < 4; i++)
        assert_true(isfinite(gradient[i]));
    assert_true(gradient[0] == 0 && gradient[1] == 0);
}

static void infinite_downwards_is_no_probability(void **state)
{
    (void)state;
    const float logits[] = {-INFINITY, 1};
    uint16_t label = 1;
    double loss;
    const lopi_loss in = {.logits = logits, .batch = 1, .classes = 2, .labels = &label};
    assert_int_equal(lopi_loss_compute(&in, &loss, NULL, NULL), LOP_OK);
    assert_true(loss == 0);
    label = 0;
    assert_int_equal(lopi_loss_compute(&in, &loss, NULL, NULL), LOP_OK);
    assert_true(isinf(loss) && loss > 0);
}

static void nan_stays_nan_and_is_not_correct(void **state)
{
    (void)state;
    for (size_t at = 0; at < 3; at++) {
        float logits[] = {5, 1, 0}, gradient[3];
        const uint16_t label = 0;
        double loss;
        size_t correct = 7;
        logits[at] = NAN;
        const lopi_loss in = {
            .logits = logits, .batch = 1, .classes = 3, .labels = &label, .gradient = gradient};
        assert_int_equal(lopi_loss_compute(&in, &loss, &correct, NULL), LOP_OK);
        assert_true(isnan(loss));
        assert_int_equal(correct, 0);
        assert_true(isnan(gradient[0]));
    }
}

static void ties_go_to_the_lower_class(void **state)
{
    (void)state;
    const float logits[] = {1, 3, 3, -0.0f, 0, -0.0f};
    const uint16_t labels[] = {1, 0};
    size_t correct;
    const lopi_loss in = {.logits = logits, .batch = 2, .classes = 3, .labels = labels};
    assert_int_equal(lopi_loss_compute(&in, NULL, &correct, NULL), LOP_OK);
    assert_int_equal(correct, 2);
}

static void labels_are_checked(void **state)
{
    (void)state;
    const float logits[6] = {0};
    const uint16_t labels[] = {0, 3};
    float gradient[6] = {42};
    double loss = 42;
    lop_error error = {0};
    const lopi_loss in = {
        .logits = logits, .batch = 2, .classes = 3, .labels = labels, .gradient = gradient};
    assert_int_equal(lopi_loss_compute(&in, &loss, NULL, &error), LOP_E_RANGE);
    assert_true(loss == 42 && gradient[0] == 42);
    assert_non_null(strstr(error.text, "found 3"));
}

/* Softmax at a temperature, term by term as it is written in the paper. */
static void soft(const double *z, size_t classes, double temperature, double *p)
{
    double sum = 0;
    for (size_t c = 0; c < classes; c++)
        sum += p[c] = exp(z[c] / temperature);
    for (size_t c = 0; c < classes; c++)
        p[c] /= sum;
}

enum { CLASSES = 5 };

/* (1 − w) cross-entropy + w T² KL(q ‖ p) of one sample. */
static double expected_loss(const double *z, const double *teacher, size_t label, double hot,
                            double share)
{
    double p[CLASSES], q[CLASSES], divergence = 0;
    soft(z, CLASSES, 1, p);
    double loss = -(1 - share) * log(p[label]);
    soft(z, CLASSES, hot, p);
    soft(teacher, CLASSES, hot, q);
    for (size_t c = 0; c < CLASSES; c++)
        divergence += q[c] * log(q[c] / p[c]);
    return loss + share * hot * hot * divergence;
}

static void distillation(void **state)
{
    (void)state;
    static const float logits[2][CLASSES] = {{0.5f, -1.25f, 2, 0, 3.5f}, {-1, 4, 0.25f, 0.5f, 1}};
    static const float teacher[2][CLASSES] = {{1, 0.5f, -2, 0.75f, 6}, {0.125f, 3, 2, -5, 1}};
    static const double temperatures[] = {0.5, 1, 4}, shares[] = {0.25, 1};
    static const uint16_t labels[] = {2, 1};
    float gradient[2][CLASSES];
    for (size_t trial = 0; trial < 6; trial++) {
        double hot = temperatures[trial % 3], share = shares[trial / 3], loss, expected = 0;
        const lopi_loss in = {.logits = logits[0],
                              .batch = 2,
                              .classes = CLASSES,
                              .labels = labels,
                              .gradient = gradient[0],
                              .teacher = teacher[0],
                              .temperature = hot,
                              .teacher_weight = share};
        assert_int_equal(lopi_loss_compute(&in, &loss, NULL, NULL), LOP_OK);
        for (size_t s = 0; s < 2; s++) {
            double z[CLASSES], t[CLASSES];
            for (size_t c = 0; c < CLASSES; c++) {
                z[c] = logits[s][c];
                t[c] = teacher[s][c];
            }
            expected += expected_loss(z, t, labels[s], hot, share) / 2;
            for (size_t c = 0; c < CLASSES; c++) {
                const double h = 1e-6;
                double at = z[c];
                z[c] = at + h;
                double above = expected_loss(z, t, labels[s], hot, share);
                z[c] = at - h;
                double below = expected_loss(z, t, labels[s], hot, share);
                z[c] = at;
                /* Differences are good to h²; the gradient is rounded to float32 twice. */
                assert_true(fabs(gradient[s][c] - (above - below) / (4 * h)) < 1e-6);
            }
        }
        assert_true(fabs(loss - expected) < 1e-12);
    }
}

static void a_teacher_of_large_logits_is_followed(void **state)
{
    (void)state;
    const float logits[] = {3e38f, -3e38f}, teacher[] = {3e38f, -3e38f};
    const uint16_t label = 0;
    float gradient[2];
    double loss;
    const lopi_loss in = {.logits = logits,
                          .batch = 1,
                          .classes = 2,
                          .labels = &label,
                          .gradient = gradient,
                          .teacher = teacher,
                          .temperature = 4,
                          .teacher_weight = 0.5};
    assert_int_equal(lopi_loss_compute(&in, &loss, NULL, NULL), LOP_OK);
    assert_true(loss == 0 && gradient[0] == 0 && gradient[1] == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_values),
        cmocka_unit_test(soft_targets_are_label_smoothing),
        cmocka_unit_test(large_logits_stay_finite),
        cmocka_unit_test(infinite_downwards_is_no_probability),
        cmocka_unit_test(nan_stays_nan_and_is_not_correct),
        cmocka_unit_test(ties_go_to_the_lower_class),
        cmocka_unit_test(labels_are_checked),
        cmocka_unit_test(distillation),
        cmocka_unit_test(a_teacher_of_large_logits_is_followed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
