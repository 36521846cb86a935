/** Reading the cases that a reference writes as text; reference.py states the format. */
#ifndef LOP_TESTS_PRUNE_CASES_H
#define LOP_TESTS_PRUNE_CASES_H

#include "networks.h"

#include <inttypes.h>
#include <stdio.h>

enum { MAX_LINE = 1 << 16, MAX_WIDTHS = 8 };

static char test_line[MAX_LINE];

/* The next line, which must begin with `word`; returns what follows. */
static inline char *test_expect(FILE *stream, const char *word)
{
    size_t length = strlen(word);
    if (!fgets(test_line, sizeof test_line, stream) || strncmp(test_line, word, length) != 0)
        fail_msg("expected a line '%s', found '%.40s'", word, test_line);
    test_line[strcspn(test_line, "\n")] = 0;
    return test_line + length + 1;
}

static inline void test_read_floats(char *text, float *out, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t bits = (uint32_t)strtoul(text, &text, 16);
        memcpy(&out[i], &bits, sizeof bits);
    }
}

static inline void test_read_options(char *text, lop_prune_options *options)
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

static inline void test_read_more(char *text, lop_prune_options *options)
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

static inline lop_network *test_read_network(FILE *stream)
{
    size_t widths[MAX_WIDTHS], count = 0;
    char *text = test_expect(stream, "net");
    bool bias = strtol(text, &text, 10);
    for (char *end; count < MAX_WIDTHS; count++, text = end) {
        widths[count] = strtoul(text, &end, 10);
        if (end == text)
            break;
    }
    lop_network *network = test_mlp(widths, count, bias, 0);
    for (size_t l = 0; l + 1 < count; l++)
        test_read_floats(test_expect(stream, "weight"), lop_network_layer(network, l)->weight,
                         widths[l] * widths[l + 1]);
    for (size_t l = 0; bias && l + 1 < count; l++)
        test_read_floats(test_expect(stream, "bias"), lop_network_layer(network, l)->bias,
                         widths[l + 1]);
    for (size_t l = 0; l + 1 < count; l++) {
        text = test_expect(stream, "mask");
        if (*text == '-')
            continue;
        assert_int_equal(lop_network_mask_new(network, l, NULL), LOP_OK);
        for (size_t i = 0; i < widths[l] * widths[l + 1]; i++)
            lop_network_layer(network, l)->mask[i] = text[i] == '1';
    }
    return network;
}

/* Turn the network as it was before pruning into what the reference says comes out. */
static inline void test_read_expected(FILE *stream, lop_network *network)
{
    size_t layers = lop_network_layer_count(network);
    for (size_t l = 0; l < layers; l++) {
        const char *kept = test_expect(stream, "kept");
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
        const char *zero = test_expect(stream, "zero");
        const lop_layer *layer = lop_network_layer(network, l);
        for (size_t i = 0; i < layer->outputs; i++) {
            if (zero[i] == '1')
                layer->bias[i] = 0;
        }
    }
}

#endif
