/** The three sentences that matter: what went, what that saves in bytes, and what in time. */
#ifndef LOPI_REPORT_HEADS_H
#define LOPI_REPORT_HEADS_H

#include "report/group.h"
#include "report/headline.h"

enum { LOPI_HEADS = 3 };

/** One of them. Names in it come from the results: whoever shows it escapes it. */
typedef struct lopi_head {
    char figure[LOPI_SENTENCE_SIZE / 8]; /* "99", "340", "42"; "" where nothing can be said */
    const char *unit, *label;            /* " %", "of the weights gone"; "×", "smaller" */
    char sentence[LOPI_SENTENCE_SIZE];   /* with what it costs, each number with its deviation */
    char source[LOPI_SENTENCE_SIZE];     /* which point, of how many seeds, which members */
} lopi_head;

/**
 * Fill the heads of a block: the fewest weights, the smallest file and the fastest network among
 * the points whose accuracy is at most LOPI_TOLERANCE below the dense network's: on validation data
 * where that was measured, for the test part chooses nothing.
 */
void lopi_heads(lopi_head heads[LOPI_HEADS], const lopi_block *block);

#endif
