#include "base/random.h"

#include <math.h>

static void philox_round(uint32_t counter[4], uint32_t key0, uint32_t key1)
{
    uint64_t p0 = 0xD2511F53ull * counter[0];
    uint64_t p1 = 0xCD9E8D57ull * counter[2];
    uint32_t c0 = (uint32_t)(p1 >> 32) ^ counter[1] ^ key0;
    uint32_t c2 = (uint32_t)(p0 >> 32) ^ counter[3] ^ key1;
    counter[0] = c0;
    counter[1] = (uint32_t)p1;
    counter[2] = c2;
    counter[3] = (uint32_t)p0;
}

lopi_random lopi_random_stream(uint64_t seed, lopi_stream purpose, uint64_t number)
{
    return (lopi_random){.seed = seed,
                         .stream = (uint64_t)purpose << 48 | (number & 0xFFFFFFFFFFFFull)};
}

void lopi_random_block(const lopi_random *random, uint64_t block, uint32_t out[4])
{
    uint32_t key0 = (uint32_t)random->seed, key1 = (uint32_t)(random->seed >> 32);
    out[0] = (uint32_t)block;
    out[1] = (uint32_t)(block >> 32);
    out[2] = (uint32_t)random->stream;
    out[3] = (uint32_t)(random->stream >> 32);
    for (int i = 0; i < 10; i++) {
        philox_round(out, key0, key1);
        key0 += 0x9E3779B9u;
        key1 += 0xBB67AE85u;
    }
}

uint32_t lopi_random_u32(lopi_random *random)
{
    uint32_t block[4];
    lopi_random_block(random, random->position / 4, block);
    return block[random->position++ % 4];
}

float lopi_random_float(lopi_random *random)
{
    return (float)(lopi_random_u32(random) >> 8) * 0x1p-24f;
}

double lopi_random_double(lopi_random *random)
{
    uint64_t high = lopi_random_u32(random), low = lopi_random_u32(random);
    return (double)((high << 32 | low) >> 11) * 0x1p-53;
}

uint32_t lopi_random_below(lopi_random *random, uint32_t bound)
{
    uint64_t product = (uint64_t)lopi_random_u32(random) * bound;
    if ((uint32_t)product < bound) {
        uint32_t threshold = (0u - bound) % bound;
        while ((uint32_t)product < threshold)
            product = (uint64_t)lopi_random_u32(random) * bound;
    }
    return (uint32_t)(product >> 32);
}

double lopi_random_normal(lopi_random *random)
{
    double u = 1.0 - lopi_random_double(random); /* in (0, 1]: its logarithm is finite */
    double v = lopi_random_double(random);
    return sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v);
}

void lopi_random_shuffle(lopi_random *random, uint32_t *items, size_t count)
{
    for (size_t i = count; i > 1; i--) {
        size_t j = lopi_random_below(random, (uint32_t)i);
        uint32_t item = items[i - 1];
        items[i - 1] = items[j];
        items[j] = item;
    }
}
