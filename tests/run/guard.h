/** Memory between pages that nobody may touch: a step outside ends the program at once. */
#ifndef LOP_TESTS_RUN_GUARD_H
#define LOP_TESTS_RUN_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct guarded {
    uint8_t *pages; /* [room], with a forbidden page before and behind */
    size_t room;
    uint8_t *data; /* [size] of the last guarded_take, at a multiple of 64 */
    size_t size;
    bool locked;
} guarded;

/** Room for at least `size` bytes; false where the system has none. */
bool guarded_new(guarded *memory, size_t size);
void guarded_free(guarded *memory);

/**
 * `size` bytes right behind the first forbidden page, or, with `at_end`, before the second one:
 * there the last byte is the last of its page where `size` is a multiple of 64. All other bytes get
 * `filling`, which guarded_intact looks for.
 */
uint8_t *guarded_take(guarded *memory, size_t size, bool at_end, uint8_t filling);
/** Make it readable only, until the next guarded_take. */
void guarded_lock(guarded *memory);
/** Whether what lies around is as it was filled. */
bool guarded_intact(const guarded *memory, uint8_t filling);

#endif
