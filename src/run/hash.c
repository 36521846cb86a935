#include "run/hash.h"

uint64_t lopi_hash(uint64_t sum, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    for (size_t i = 0; bytes && i < size; i += 8) {
        uint64_t word = 0;
        for (size_t b = 0; b < 8 && i + b < size; b++)
            word |= (uint64_t)bytes[i + b] << (8 * b);
        sum = (sum ^ word) * 0x100000001b3u;
        sum ^= sum >> 32; /* high bits of a word reach low bits of the sum */
    }
    return sum;
}
