/* The library's pruning against reference.py, which states the text format read here. */
#include "networks.h"

#include <inttypes.h>
#include <stdio.h>

#ifdef LOP_REFERENCE

enum { MAX_LINE = 1 << 16, MAX_WIDTHS = 8 };

static char line[MAX_LINE];

/* The next line, which must begin with `word`; returns what follows. */
static char *expect(FILE *stream, const char *word)
{
    size_t length = strlen(word);
    if (!fgets(line, sizeof line, stream) || strncmp(line, word, length) != 0)
        fail_msg("expected a line '%s', found '%.40s'", word, line);
    line[strcspn(line, "\n")] = 0;
    return line + length + 1;
}

static void read_floats(char *text, float *out, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t bits = (uint32_t)strtoul(text, &text, 16);
        memcpy(&out[i], &bits, sizeof bits);
    }
}

static void read_options(char *text, lop_prune_options *options)
{
    char granularity[16], criterion[16], scope[16], percent[16];
    int include_output;
    *options = (lop_prune_options){0};
    assert_int_equal(sscanf(text, "%15s %15s %15s %15s %d %" SCNu64, granularity, criterion, scope,
                            percent, &include_output, &options->seed),
                     6);
    assert_int_equal(lop_granularity_find(granularity, &options->granularity, NULL), LOP_OK);
    assert_int_equal(lop_criterion_find(criterion, options->granularity, &options->criterion, NULL),
                     LOP_OK);
    options->scope =
        strcmp(scope, lop_scope_name(LOP_SCOPE_LAYER)) == 0 ? LOP_SCOPE_LAYER : LOP_SCOPE_GLOBAL;
    options->sparsity = strtod(percent, NULL) / 100;
    options->include_output = include_output;
}

static void read_more(char *text, lop_prune_options *options)
{
    static double list[MAX_WIDTHS];
    char name[16], percents[128];
    assert_int_equal(sscanf(text, "%15s %zu %zu %zu %zu %zu %127s", name, &options->block_rows,
                            &options->block_columns, &options->n, &options->m, &options->min_keep,
                            percents),
                     7);
    size_t a = 0;
    while (lop_allocation_name(a) && strcmp(lop_allocation_name(a), name) != 0)
        a++;
    options->allocation = (lop_allocation)a;
    if (options->allocation != LOP_ALLOCATION_LIST)
        return;
    options->list = list;
    for (char *at = percents; *at && *at != '-'; at += *at == ',')
        list[options->list_count++] = strtod(at, &at) / 100;
    options->sparsity = 0;
}

static lop_network *read_network(FILE *stream)
{
    size_t widths[MAX_WIDTHS], count = 0;
    char *text = expect(stream, "net");
    bool bias = strtol(text, &text, 10);
    for (char *end; count < MAX_WIDTHS; count++, text = end) {
        widths[count] = strtoul(text, &end, 10);
        if (end == text)
            break;
    }
    lop_network *network = test_mlp(widths, count, bias, 0);
    for (size_t l = 0; l + 1 < count; l++)
        read_floats(expect(stream, "weight"), lop_network_layer(network, l)->weight,
                    widths[l] * widths[l + 1]);
    for (size_t l = 0; bias && l + 1 < count; l++)
        read_floats(expect(stream, "bias"), lop_network_layer(network, l)->bias, widths[l + 1]);
    for (size_t l = 0; l + 1 < count; l++) {
        text = expect(stream, "mask");
        if (*text == '-')
            continue;
        assert_int_equal(lop_network_mask_new(network, l, NULL), LOP_OK);
        for (size_t i = 0; i < widths[l] * widths[l + 1]; i++)
            lop_network_layer(network, l)->mask[i] = text[i] == '1';
    }
    return network;
}

/* Turn the network as it was before pruning into what the reference says comes out. */
static void read_expected(FILE *stream, lop_network *network)
{
    size_t layers = lop_network_layer_count(network);
    for (size_t l = 0; l < layers; l++) {
        const char *kept = expect(stream, "kept");
        assert_int_equal(lop_network_mask_new(network, l, NULL), LOP_OK);
        const lop_layer *layer = lop_network_layer(network, l);
        assert_int_equal(strlen(kept), layer->outputs * layer->inputs);
        for (size_t i = 0; i < layer->outputs * layer->inputs; i++) {
            layer->mask[i] = kept[i] == '1';
            if (kept[i] == '0')
                layer->weight[i] = 0;
        }
    }
    for (size_t l = 0; l < layers && lop_network_layer(network, l)->bias; l++) {
        const char *zero = expect(stream, "zero");
        const lop_layer *layer = lop_network_layer(network, l);
        for (size_t i = 0; i < layer->outputs; i++) {
            if (zero[i] == '1')
                layer->bias[i] = 0;
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
    while (fgets(line, sizeof line, stream) && strncmp(line, "case ", 5) == 0) {
        lop_prune_options options;
        lop_error error = {0};
        lop_count count;
        snprintf(title, sizeof title, "case %zu: %.200s", cases, line);
        read_options(line + 5, &options);
        read_more(expect(stream, "more"), &options);
        lop_network *network = read_network(stream);
        lop_network *expected = NULL;
        assert_int_equal(lop_network_copy(&expected, network, NULL), LOP_OK);
        read_expected(stream, expected);

        if (lop_prune(network, &options, &error) != LOP_OK)
            fail_msg("%s%s", title, error.text);
        if (!test_same(network, expected))
            fail_msg("%smasks, weights or biases differ from the reference", title);
        assert_int_equal(lop_prune(network, &options, &error), LOP_OK);
        if (!test_same(network, expected))
            fail_msg("%spruning twice changes something", title);

        size_t left, effective;
        assert_int_equal(sscanf(expect(stream, "count"), "%zu %zu", &left, &effective), 2);
        assert_int_equal(lop_count_network(network, &count, NULL), LOP_OK);
        if (count.weights_left != left || count.effective_weights_left != effective)
            fail_msg("%scounts %zu and %zu, the reference %zu and %zu", title, count.weights_left,
                     count.effective_weights_left, left, effective);
        lop_network_free(network);
        lop_network_free(expected);
        cases++;
    }
    assert_string_equal(line, "end\n");
    assert_int_equal(pclose(stream), 0);
    assert_true(cases >= 1700); /* each row of each table, with and without masks */
}

#else

static void agrees(void **state)
{
    (void)state;
    print_message("skipped: no python3 when this was configured\n");
    skip();
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(agrees)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
