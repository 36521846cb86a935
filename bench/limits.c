/**
 * limits BYTES…: what this core can do at most, as one JSON line.
 *
 * For each number of bytes, how many of them one core reads in a nanosecond when it reads them
 * again and again and does nothing else: the rate of whichever cache holds them. And its clock,
 * from a chain of additions of which each waits for the one before and takes one cycle.
 * inference.py sets networks' times against both.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <lop/machine.h>

enum { TURNS = 15, LINE = 64, LANES = 8, MOST_BYTES = 1 << 28 };

typedef uint64_t lanes __attribute__((vector_size(64), may_alias));

/* The compiler makes one of these for each of the machine's widths, and picks when it runs. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define CLONES
#endif

CLONES static uint64_t read_all(const lanes *data, size_t lines)
{
    lanes sums[LANES] = {{0}};
    for (size_t i = 0; i + LANES <= lines; i += LANES)
        for (size_t v = 0; v < LANES; v++)
            sums[v] |= data[i + v];
    uint64_t all = 0;
    for (size_t v = 0; v < LANES; v++)
        for (size_t l = 0; l < LANES; l++)
            all |= sums[v][l];
    return all;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The middle of the turns, each of a millisecond or so. */
static double bytes_a_ns(size_t bytes, volatile uint64_t *sink)
{
    size_t lines = (bytes + LANES * LINE - 1) / (LANES * LINE) * LANES;
    lanes *data = aligned_alloc(LINE, lines * LINE);
    double rates[TURNS];
    if (!data)
        return 0;
    for (size_t i = 0; i < lines; i++)
        data[i] = (lanes){i};
    size_t rounds = 1 + (1 << 27) / (lines * LINE + 1) / TURNS;
    for (size_t turn = 0; turn < TURNS; turn++) {
        *sink += read_all(data, lines);
        double before = lop_clock_seconds();
        for (size_t i = 0; i < rounds; i++)
            *sink += read_all(data, lines);
        rates[turn] = (double)(rounds * lines * LINE) / (1e9 * (lop_clock_seconds() - before));
    }
    free(data);
    qsort(rates, TURNS, sizeof *rates, compare);
    return rates[TURNS / 2];
}

/* x ^= x << 1 is two instructions that wait for each other: two cycles. */
static double cycles_a_ns(volatile uint64_t *sink)
{
    enum { STEPS = 1 << 20 };
    double rates[TURNS];
    for (size_t turn = 0; turn < TURNS; turn++) {
        uint64_t x = 1 + *sink;
        double before = lop_clock_seconds();
        for (size_t i = 0; i < STEPS; i++)
            x ^= x << 1;
        *sink += x;
        rates[turn] = 2.0 * STEPS / (1e9 * (lop_clock_seconds() - before));
    }
    qsort(rates, TURNS, sizeof *rates, compare);
    return rates[TURNS / 2];
}

int main(int count, char **words)
{
    volatile uint64_t sink = 0;
    for (int i = 1; i < count; i++) {
        char *end = NULL;
        unsigned long bytes = strtoul(words[i], &end, 10);
        if (bytes < 1 || bytes > MOST_BYTES || *end || words[i][0] == '-') {
            fprintf(stderr, "limits: expected numbers of bytes, 1 to %d, found '%s'\n", MOST_BYTES,
                    words[i]);
            return 64;
        }
    }
    printf("{\"ghz\": %.3f, \"bytes_per_ns\": {", cycles_a_ns(&sink));
    for (int i = 1; i < count; i++)
        printf("%s\"%s\": %.1f", i > 1 ? ", " : "", words[i],
               bytes_a_ns(strtoul(words[i], NULL, 10), &sink));
    printf("}}\n");
    return 0;
}
