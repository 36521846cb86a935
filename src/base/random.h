/**
 * Random streams: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC
 * 2011), a counter-based generator. Its whole state is a key, a stream and a position, so a
 * checkpoint holds it in three integers, and any position can be reached at once.
 */
#ifndef LOPI_BASE_RANDOM_H
#define LOPI_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/** What a stream is for: streams of one seed never overlap. */
typedef enum lopi_stream {
    LOPI_STREAM_WEIGHTS = 1,
    LOPI_STREAM_SPLIT,
    LOPI_STREAM_ORDER,
    LOPI_STREAM_DROPOUT,
    LOPI_STREAM_PRUNE,
    LOPI_STREAM_DATA,
    LOPI_STREAM_TEST,
    LOPI_STREAM_SHIFT,
} lopi_stream;

typedef struct lopi_random {
    uint64_t seed;
    uint64_t stream;   /* purpose in the upper 16 bits, the caller's number in the lower 48 */
    uint64_t position; /* 32-bit numbers drawn so far */
} lopi_random;

/** The stream `number` (below 2^48) of a seed for a purpose, at its start. */
lopi_random lopi_random_stream(uint64_t seed, lopi_stream purpose, uint64_t number);

/** The four 32-bit numbers at block `block` of a stream: positions 4·block … 4·block + 3. */
void lopi_random_block(const lopi_random *random, uint64_t block, uint32_t out[4]);

/** Uniform 32 bits. */
uint32_t lopi_random_u32(lopi_random *random);
/** Uniform in [0, 1), 24 bits. */
float lopi_random_float(lopi_random *random);
/** Uniform in [0, 1), 53 bits. */
double lopi_random_double(lopi_random *random);
/** Uniform in 0 … bound − 1 without bias (Lemire 2019); bound > 0. */
uint32_t lopi_random_below(lopi_random *random, uint32_t bound);
/** Standard normal (Box and Muller), two uniform doubles each. */
double lopi_random_normal(lopi_random *random);
/** Shuffle [count] numbers (Fisher and Yates). */
void lopi_random_shuffle(lopi_random *random, uint32_t *items, size_t count);

#endif
