#include "base/memory.h"

#include <stdlib.h>
#include <string.h>
#ifdef __linux__
#include <sys/mman.h>
#endif

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

void *lopi_alloc_pages(size_t bytes)
{
    size_t alignment = LOPI_ALIGNMENT, large = 0, padded;
#ifdef MADV_HUGEPAGE
    enum { PAGE = 2 << 20 };
    if (bytes >= PAGE / 2 && lopi_add(bytes, PAGE / 2, &large)) {
        alignment = PAGE;
        large = large / PAGE * PAGE;
    }
#endif
    if (!lopi_add(bytes, alignment - 1, &padded))
        return NULL;
    void *block = lopi_memory_system.aligned(alignment, padded / alignment * alignment);
#ifdef MADV_HUGEPAGE
    if (block && large > 0)
        madvise(block, large, MADV_HUGEPAGE); /* where it cannot be, pages are small */
#endif
    (void)large;
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
