/**
 * pack [--json] [WEIGHTS IN MILLIONS]: a large random network, 100 million weights unless said
 * otherwise, 95 % of them pruned, packed in 16 values and opened again.
 *
 * Prints what that took, and ends with 1 where it took more than 60 s of a core or 2 GB in all, or
 * where less than five million weights a second are opened; with --json only what it took, for
 * packing.py, which makes rows of it.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <lop/lop.h>

enum { LAYERS = 10, MOST_SECONDS = 60, LEFT_IN = 20 /* one of so many weights */ };
static const double most_bytes = 2e9, least_rate = 5e6;

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* xorshift64*: Vigna 2016. */
static uint64_t next(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545f4914f6cdd1du;
}

static size_t prune(lop_network *network)
{
    uint64_t random = 1;
    size_t left = 0;
    for (size_t l = 0; l < LAYERS; l++) {
        const lop_layer *layer = lop_network_layer(network, l);
        for (size_t i = 0; i < layer->outputs * layer->inputs; i++) {
            bool stays = next(&random) >> 32 < UINT32_MAX / LEFT_IN;
            layer->weight[i] = stays ? layer->weight[i] : 0;
            left += stays;
        }
    }
    return left;
}

static int fail(const lop_error *error)
{
    fprintf(stderr, "pack: %s\n", error->text);
    return 1;
}

/* Millions of weights; 0 where the words are not as they should be. */
static size_t read_words(int count, char **words, bool *json)
{
    char *end = NULL;
    *json = count > 1 && strcmp(words[1], "--json") == 0;
    int next = *json ? 2 : 1;
    if (count == next)
        return 100;
    unsigned long millions = strtoul(words[next], &end, 10);
    return count == next + 1 && !*end && words[next][0] != '-' && millions <= 1000 ? millions : 0;
}

int main(int count, char **arguments)
{
    bool json;
    size_t width = 1, millions = read_words(count, arguments, &json);
    if (millions == 0) {
        fprintf(stderr, "usage: pack [--json] [MILLIONS OF WEIGHTS, 1 to 1000]\n");
        return 64;
    }
    while (LAYERS * (width + 1) * (width + 1) <= millions * 1000000)
        width++;
    size_t hidden[LAYERS - 1];
    for (size_t i = 0; i < LAYERS - 1; i++)
        hidden[i] = width;
    const lop_mlp_spec spec = {
        .inputs = width, .hidden = hidden, .hidden_count = LAYERS - 1, .outputs = width, .seed = 1};
    const lop_pack_values values = {LOP_VALUES_SHARED, 16};
    const lop_pack_options options = {.values = &values, .value_count = 1};
    lop_network *network = NULL;
    lop_packed *packed = NULL, *back = NULL;
    lop_error error = {0};
    uint8_t *data = NULL;
    size_t size = 0;
    if (lop_network_new_mlp(&network, &spec, &error) != LOP_OK)
        return fail(&error);
    size_t all = lop_network_weight_count(network), left = prune(network);
    double begin = seconds();
    if (lop_pack(&packed, network, &options, &error) != LOP_OK ||
        lop_packed_encode(packed, &data, &size, &error) != LOP_OK)
        return fail(&error);
    double packing = seconds() - begin;
    lop_network_free(network);
    lop_packed_free(packed);
    begin = seconds();
    if (lop_packed_open(&back, data, size, 0, &error) != LOP_OK)
        return fail(&error);
    double opening = seconds() - begin, rate = (double)left / opening;
    double peak = (double)lop_memory_peak_bytes();
    lop_packed_free(back);
    free(data);
    if (json) {
        printf("{\"weights\": %zu, \"weights_left\": %zu, \"bytes\": %zu, \"pack_seconds\": %.3f, "
               "\"open_seconds\": %.3f, \"peak_memory_bytes\": %.0f}\n",
               all, left, size, packing, opening, peak);
        return 0;
    }
    printf("%zu weights, %zu left: %zu bytes, %.2f bits a weight left\n", all, left, size,
           8.0 * (double)size / (double)left);
    printf("packed in %.1f s, opened in %.2f s: %.1f million weights a second; %.0f MB at most\n",
           packing, opening, rate * 1e-6, peak * 1e-6);
    bool kept = packing + opening <= MOST_SECONDS && peak <= most_bytes && rate >= least_rate;
    printf("%s\n", kept ? "within 60 s, 2 GB, and 5 million weights a second"
                        : "beyond 60 s, 2 GB, or below 5 million weights a second");
    return kept ? 0 : 1;
}
