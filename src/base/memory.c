#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

#include "base/system.h"

lopi_memory_calls lopi_memory_system = {calloc, realloc, aligned_alloc, free};

bool lopi_multiply(size_t a, size_t b, size_t *out)
{
    if (b != 0 && a > SIZE_MAX / b)
        return false;
    *out = a * b;
    return true;
}

bool lopi_add(size_t a, size_t b, size_t *out)
{
    if (a > SIZE_MAX - b)
        return false;
    *out = a + b;
    return true;
}

void *lopi_alloc(size_t count, size_t size)
{
    size_t bytes;
    if (!lopi_multiply(count, size, &bytes))
        return NULL;
    /* One byte at least: NULL must always mean failure. */
    return lopi_memory_system.zeroed(bytes ? bytes : 1, 1);
}

void *lopi_realloc(void *block, size_t count, size_t size)
{
    size_t bytes;
    if (!lopi_multiply(count, size, &bytes))
        return NULL;
    return lopi_memory_system.resized(block, bytes ? bytes : 1);
}

void *lopi_alloc_aligned(size_t count, size_t size)
{
    size_t bytes, padded;
    if (!lopi_multiply(count, size, &bytes) || !lopi_add(bytes, LOPI_ALIGNMENT - 1, &padded))
        return NULL;
    /* aligned_alloc wants a multiple of the alignment. */
    padded = padded / LOPI_ALIGNMENT * LOPI_ALIGNMENT;
    if (padded == 0)
        padded = LOPI_ALIGNMENT;
    void *block = lopi_memory_system.aligned(LOPI_ALIGNMENT, padded);
    if (block)
        memset(block, 0, padded);
    return block;
}

char *lopi_strdup(const char *text)
{
    if (!text)
        return NULL;
    size_t size = strlen(text) + 1;
    char *copy = lopi_alloc(size, 1);
    if (copy)
        memcpy(copy, text, size);
    return copy;
}

void lopi_free(void *block) { lopi_memory_system.release(block); }
