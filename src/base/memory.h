/** Memory: every allocation of the library goes through here, with its size checked. */
#ifndef LOPI_BASE_MEMORY_H
#define LOPI_BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOPI_ALIGNMENT 64 /* bytes: a cache line, and the widest vector register */

/* Bytes of what is best asked for at once where more will be: some large pages. 0 where there are
 * none that a program may ask for. */
#ifdef __linux__
#define LOPI_LARGE_PIECE ((size_t)4 << 20)
#else
#define LOPI_LARGE_PIECE ((size_t)0)
#endif

/** a · b, false where it does not fit; *out is untouched then. */
bool lopi_multiply(size_t a, size_t b, size_t *out);
/** a + b, false where it does not fit; *out is untouched then. */
bool lopi_add(size_t a, size_t b, size_t *out);

/** count · size zeroed bytes; NULL where they cannot be had or the product overflows. */
void *lopi_alloc(size_t count, size_t size);
/** As realloc for count · size bytes; on failure NULL and the old block stays. */
void *lopi_realloc(void *block, size_t count, size_t size);
/** count · size zeroed bytes at a multiple of LOPI_ALIGNMENT. */
void *lopi_alloc_aligned(size_t count, size_t size);
/** `bytes` > 0 at a multiple of LOPI_ALIGNMENT, not zeroed, for what is read over and over. From a
 * megabyte on they lie in pages of two megabytes as far as the system lends them, which are quicker
 * to find than many small ones; a last one is used when half of it or more is filled. */
void *lopi_alloc_pages(size_t bytes);
/** A copy of `text`; NULL stays NULL. */
char *lopi_strdup(const char *text);
/** Ends any of the above; NULL is fine. */
void lopi_free(void *block);

#endif
