/**
 * The parts of the scenarios, a file each by what they are about, and what they share. What is made
 * ready before anything fails (scenarios_begin) lies in the scenarios' directory:
 *
 *     data.csv, inputs.csv     72 samples of 6 values in 3 classes, with their labels and without
 *     set/                     the same in IDX, the files of the known sets (known.h)
 *     net.safetensors, net.lop a network for them, and the same packed
 *     foreign.safetensors      another one, as others write it
 *     results.jsonl            of a small sweep
 *     recipe.yaml              recipe_text
 */
#ifndef LOP_TEST_FAULT_SCENARIOS_PARTS_H
#define LOP_TEST_FAULT_SCENARIOS_PARTS_H

#include <lop/lop.h>

#include "scenarios.h"

/* Each ends with a scenario that has no name. */
extern const scenario data_scenarios[], experiment_scenarios[], network_scenarios[],
    pack_scenarios[], prune_scenarios[], report_scenarios[];

enum { FEATURES = 6, CLASSES = 3, SAMPLES = 72 };
extern const lop_mlp_spec small_spec;
extern const char recipe_text[];

/** Path of a file in the scenarios' directory; it holds until the eighth call from here. */
const char *at(const char *name);

/** Add to what the play found (scenarios_found); whole networks by a sum of their numbers. */
void found(const char *format, ...) LOP_PRINTF(1, 2);
void found_network(const lop_network *network);

/** data.csv and net.safetensors. */
lop_status open_data(lop_dataset **data, lop_error *error);
lop_status open_both(lop_dataset **data, lop_network **network, lop_error *error);

/* Scenarios that also make ready what others read. */
lop_status save_network(lop_error *error);
lop_status pack_network(lop_error *error);
lop_status sweep_small(lop_error *error);

#endif
