/* Criteria that look at samples or at training, against calibrated.py, which states the format. */
#include "cases.h"

#include <math.h>
#include <omp.h>

#ifdef LOP_REFERENCE

/* What a case brings beside its network and options. */
typedef struct data {
    lop_samples samples;
    float *x;
    uint16_t *labels;
    uint32_t *indices;
    float *gathered[MAX_WIDTHS];
} data;

static void read_data(FILE *stream, data *d, const lop_network *network, lop_prune_options *options)
{
    int indexed;
    size_t features = lop_network_inputs(network), total, classes;
    assert_int_equal(sscanf(test_expect(stream, "samples"), "%zu %d %zu %zu", &total, &indexed,
                            &classes, &options->sample_count),
                     4);
    *d = (data){.x = calloc(total * features, sizeof *d->x),
                .labels = calloc(total, sizeof *d->labels),
                .indices = calloc(options->sample_count, sizeof *d->indices)};
    for (size_t i = 0; i < total; i++)
        test_read_floats(test_expect(stream, "x"), d->x + i * features, features);
    char *text = test_expect(stream, "labels");
    for (size_t i = 0; i < total; i++)
        d->labels[i] = (uint16_t)strtoul(text, &text, 10);
    text = indexed ? test_expect(stream, "indices") : NULL;
    for (size_t i = 0; i < options->sample_count && indexed; i++)
        d->indices[i] = (uint32_t)strtoul(text, &text, 10);
    d->samples = (lop_samples){.count = total,
                               .features = features,
                               .height = 1,
                               .width = features,
                               .classes = classes,
                               .floats = d->x,
                               .labels = d->labels};
    options->samples = &d->samples;
    options->indices = indexed ? d->indices : NULL;
    for (size_t l = 0; l < lop_network_layer_count(network); l++) {
        const lop_layer *layer = lop_network_layer(network, l);
        size_t count = layer->outputs * layer->inputs;
        if (!lop_criterion_needs_training(options->criterion))
            continue;
        d->gathered[l] = calloc(count, sizeof **d->gathered);
        test_read_floats(test_expect(stream, "gathered"), d->gathered[l], count);
        options->gathered = (const float *const *)d->gathered;
    }
}

static void free_data(data *d)
{
    free(d->x);
    free(d->labels);
    free(d->indices);
    for (size_t l = 0; l < MAX_WIDTHS; l++)
        free(d->gathered[l]);
}

/* The masks exactly; weights set anew to what float32 holds of inputs and Hessian. */
static void compare(FILE *stream, const lop_network *network, const char *title)
{
    for (size_t l = 0; l < lop_network_layer_count(network); l++) {
        const lop_layer *layer = lop_network_layer(network, l);
        const char *kept = test_expect(stream, "kept");
        for (size_t i = 0; i < layer->outputs * layer->inputs; i++) {
            if ((layer->mask ? layer->mask[i] : 1) != (kept[i] == '1'))
                fail_msg("%smask %zu of layer %zu differs", title, i, l);
        }
    }
    for (size_t l = 0; l < lop_network_layer_count(network); l++) {
        const lop_layer *layer = lop_network_layer(network, l);
        char *text = test_expect(stream, "value");
        for (size_t i = 0; i < layer->outputs * layer->inputs; i++) {
            double expected = strtod(text, &text), found = (double)layer->weight[i];
            /* Damping bounds the condition number by about 100 · inputs: 1e3 · 6e-8 and some. */
            if (fabs(found - expected) > 2e-4 * (1 + fabs(expected)))
                fail_msg("%sweight %zu of layer %zu is %.9g, the reference says %.9g", title, i, l,
                         found, expected);
        }
    }
}

static void agrees(void **state)
{
    (void)state;
    FILE *stream = popen(LOP_REFERENCE, "r");
    assert_non_null(stream);
    size_t cases = 0;
    char title[256];
    while (fgets(test_line, sizeof test_line, stream) && strncmp(test_line, "case ", 5) == 0) {
        lop_prune_options options;
        lop_error error = {0};
        data d;
        snprintf(title, sizeof title, "case %zu: %.200s", cases, test_line);
        test_read_options(test_line + 5, &options);
        test_read_more(test_expect(stream, "more"), &options);
        lop_network *network = test_read_network(stream), *again = NULL;
        read_data(stream, &d, network, &options);
        if (lop_prune(network, &options, &error) != LOP_OK)
            fail_msg("%s%s", title, error.text);
        compare(stream, network, title);
        assert_int_equal(lop_network_copy(&again, network, NULL), LOP_OK);
        assert_int_equal(lop_prune(again, &options, &error), LOP_OK);
        if (!test_same(network, again))
            fail_msg("%spruning twice changes something", title);
        lop_network_free(network);
        lop_network_free(again);
        free_data(&d);
        cases++;
    }
    assert_string_equal(test_line, "end\n");
    assert_int_equal(pclose(stream), 0);
    assert_true(cases >= 300);
}

#else

static void agrees(void **state)
{
    (void)state;
    print_message("skipped: no python3 with numpy when this was configured\n");
    skip();
}

#endif

/* Samples come from outside: every way in which they are wrong is told. */
static void wrong_samples_are_refused(void **state)
{
    (void)state;
    static const size_t widths[] = {6, 8, 8, 4};
    lop_network *network = test_mlp(widths, 4, true, 3);
    float x[3 * 6] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    const float *const gathered[3] = {NULL};
    uint16_t labels[3] = {0, 3, 1};
    uint32_t indices[3] = {0, 2, 1};
    const lop_samples good = {
        .count = 3, .features = 6, .classes = 4, .floats = x, .labels = labels};
    for (size_t row = 0; lop_criterion_at(row); row++) {
        lop_samples samples = good;
        lop_prune_options options = {.granularity = lop_criterion_at(row)->granularity,
                                     .criterion = lop_criterion_at(row),
                                     .sparsity = 0.5,
                                     .samples = &samples,
                                     .indices = indices,
                                     .sample_count = 3};
        if (lop_criterion_needs_training(options.criterion)) {
            test_refuses(network, &options, LOP_E_ARG);
            options.gathered = gathered;
            test_refuses(network, &options, LOP_E_ARG);
        }
        bool reads_labels = options.criterion->needs == LOP_NEEDS_LABELS;
        if (options.criterion->needs != LOP_NEEDS_SAMPLES && !reads_labels)
            continue;
        options.samples = NULL;
        test_refuses(network, &options, LOP_E_ARG);
        options.samples = &samples;
        options.sample_count = 0;
        test_refuses(network, &options, LOP_E_ARG);
        options.sample_count = 3;
        samples.floats = NULL;
        test_refuses(network, &options, LOP_E_ARG);
        samples.floats = x;
        samples.features = 5;
        test_refuses(network, &options, LOP_E_SHAPE);
        samples.features = 6;
        indices[1] = 3;
        test_refuses(network, &options, LOP_E_RANGE);
        indices[1] = 2;
        options.indices = NULL;
        options.sample_count = 4;
        test_refuses(network, &options, LOP_E_RANGE);
        options.sample_count = 3;
        samples.labels = NULL;
        if (reads_labels)
            test_refuses(network, &options, LOP_E_ARG);
        samples.labels = labels;
        samples.classes = 5;
        if (reads_labels)
            test_refuses(network, &options, LOP_E_SHAPE);
        samples.classes = 4;
        labels[2] = 4;
        if (reads_labels)
            test_refuses(network, &options, LOP_E_RANGE);
        labels[2] = 1;
        x[7] = NAN;
        test_refuses(network, &options, LOP_E_NAN);
        x[7] = 3e38f; /* its products are infinite */
        lop_network_layer(network, 0)->weight[1] = 3e38f;
        test_refuses(network, &options, LOP_E_NAN);
        lop_network_layer(network, 0)->weight[1] = 1;
        x[7] = 8;
        if (options.granularity != LOP_GRANULARITY_WEIGHT)
            continue;
        options.scope = LOP_SCOPE_GLOBAL;
        if (!reads_labels)
            test_refuses(network, &options, LOP_E_ARG);
    }
    lop_prune_options options = {
        .sparsity = 0.5, .samples = &good, .sample_count = 3, .min_keep = 1};
    assert_int_equal(
        lop_criterion_find("sparsegpt", LOP_GRANULARITY_WEIGHT, &options.criterion, NULL), LOP_OK);
    test_refuses(network, &options, LOP_E_ARG);
    lop_network_free(network);
}

/* The same samples as bytes or as floats, and with any number of threads. */
static void bytes_and_threads_do_not_matter(void **state)
{
    (void)state;
    static const size_t widths[] = {40, 30, 20, 10};
    uint8_t bytes[300 * 40];
    float floats[300 * 40];
    uint16_t labels[300];
    for (size_t i = 0; i < 300 * 40; i++) {
        bytes[i] = (uint8_t)(i * 7919 % 251 * (i % 40 < 30));
        floats[i] = (float)bytes[i] / 255;
        labels[i / 40] = (uint16_t)(i / 40 % 10);
    }
    lop_samples samples[2] = {{.count = 300, .features = 40, .classes = 10, .labels = labels},
                              {.count = 300, .features = 40, .classes = 10, .labels = labels}};
    samples[0].bytes = bytes;
    samples[1].floats = floats;
    int threads = omp_get_max_threads();
    for (size_t row = 0; lop_criterion_at(row); row++) {
        lop_network *network[2];
        lop_prune_options options = {.granularity = lop_criterion_at(row)->granularity,
                                     .criterion = lop_criterion_at(row),
                                     .sparsity = 0.7,
                                     .sample_count = 300};
        if (lop_criterion_needs_training(options.criterion))
            continue;
        for (size_t i = 0; i < 2; i++) {
            lop_error error = {0};
            network[i] = test_mlp(widths, 4, true, 3);
            options.samples = &samples[i];
            omp_set_num_threads(i == 0 ? 1 : 3);
            if (lop_prune(network[i], &options, &error) != LOP_OK)
                fail_msg("%s", error.text);
        }
        for (size_t l = 0; l < 3; l++) {
            const lop_layer *a = lop_network_layer(network[0], l);
            const lop_layer *b = lop_network_layer(network[1], l);
            for (size_t i = 0; i < a->outputs * a->inputs; i++)
                if (fabsf(a->weight[i] - b->weight[i]) > 1e-6f) /* sums in another order */
                    fail_msg("criterion %s: weight %zu of layer %zu is %g and %g",
                             options.criterion->name, i, l, (double)a->weight[i],
                             (double)b->weight[i]);
        }
        lop_network_free(network[0]);
        lop_network_free(network[1]);
    }
    omp_set_num_threads(threads);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees),
        cmocka_unit_test(wrong_samples_are_refused),
        cmocka_unit_test(bytes_and_threads_do_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
