/** A small task for the tests of training: noisy clusters as CSV files in a directory of its own.
 */
#ifndef TRAIN_FIXTURE_H
#define TRAIN_FIXTURE_H

#include <lop/data.h>
#include <lop/network.h>
#include <lop/train.h>

enum { FIXTURE_FEATURES = 12, FIXTURE_CLASSES = 3, FIXTURE_TRAIN = 330, FIXTURE_VALIDATION = 30 };

struct fixture {
    char directory[64];
    char checkpoint[96];
    lop_dataset *dataset;
    lop_split split;
};

/** Make files, data set and split; fails the test where that does not work. */
void fixture_open(struct fixture *fixture);
/** Remove everything. */
void fixture_close(struct fixture *fixture);

/** The one that a program's tests share, from the first function, which cmocka calls before them,
 * to the second. */
extern struct fixture fixture_task;
int fixture_set_up(void **state);
int fixture_tear_down(void **state);

/** A network of two hidden layers, the same each time; masks keep two thirds where `masked`. */
lop_network *fixture_network(bool bias, bool masked);
/** Options for a few quick epochs with dropout and decay at work. */
lop_train_options fixture_options(void);
/** Somebody who takes part in a training: what a new process would make anew. */
struct fixture_guest {
    void *context;
    /** Make the callback, for a training that begins with `network`. */
    lop_train_callback (*open)(void *context, const lop_network *network);
    void (*close)(void *context); /* may be NULL */
};

/** What came of a training; free both. */
struct fixture_outcome {
    lop_network *network;
    lop_history history;
};

/**
 * Train fixture_network(true, false), in pieces of `piece` optimizer steps (0: in one), each in a
 * state that knows only the checkpoint; fails the test where training does.
 */
struct fixture_outcome fixture_train(const struct fixture *fixture, lop_train_options options,
                                     const struct fixture_guest *guest, size_t piece);
void fixture_outcome_free(struct fixture_outcome *outcome);
/** Fails the test unless both have the same bytes and the same history, seconds aside. */
void fixture_assert_same(const struct fixture_outcome *a, const struct fixture_outcome *b);

/** Whether weights, biases and masks of two networks are the same bytes. */
bool fixture_same(const lop_network *a, const lop_network *b);

#endif
