/**
 * Measuring: what of a result comes from a network, shared by a single run and by a sweep.
 */
#ifndef LOPI_EXPERIMENT_MEASURE_H
#define LOPI_EXPERIMENT_MEASURE_H

#include <jansson.h>

#include <lop/experiment.h>

/** Say what was measured where: data set, network, seed, machine, version, dense bytes. */
lop_status lopi_result_begin(lop_result *result, const lop_dataset *dataset,
                             const lop_network *network, uint64_t seed, lop_error *error);

/** Loss and accuracy on validation and test part, in float32; `train` asks for that part too. */
lop_status lopi_result_evaluate(lop_result *result, const lop_network *network,
                                const lop_dataset *dataset, const lop_split *split, bool train,
                                lop_error *error);

/** Loss and accuracy on the validation part, in float32: results of different machines are to be
 * compared, and the last bits decide nothing. */
lop_status lopi_validate(const lop_network *network, const lop_dataset *dataset,
                         const lop_split *split, lop_evaluation *out, lop_error *error);

/** Count weights and units that are left, of result->weights_total. */
lop_status lopi_result_count(lop_result *result, const lop_network *network, lop_error *error);

/**
 * Times and energy of the networks packed and planned, in int8: of what is left, and of the dense
 * network in its own dense form. With as many threads as the process uses; batch 1 with one. Where
 * a network cannot be packed they stay absent.
 * @param samples  of the training part; they calibrate, and are run
 */
lop_status lopi_result_time_planned(lop_result *result, const lop_network *dense,
                                    const lop_network *pruned, const lop_samples *samples,
                                    const lop_split *split, lop_error *error);

/** The split that a recipe asks for with a seed. */
lop_status lopi_recipe_split(lop_split *out, const lop_recipe *recipe, const lop_dataset *dataset,
                             uint64_t seed, lop_error *error);

/** The part of a recipe that bears on one run, with its seed. */
lop_status lopi_run_object(const lop_recipe *recipe, uint64_t seed, json_t **out, lop_error *error);
/** The same, as one line of text; free(). */
lop_status lopi_run_text(const lop_recipe *recipe, uint64_t seed, char **out, lop_error *error);
/** A copy that only trains; lop_recipe_free. */
lop_status lopi_recipe_dense(const lop_recipe *recipe, lop_recipe *out, lop_error *error);

/** Epochs and times of a training, and the recipe that it came from. */
lop_status lopi_result_record(lop_result *result, const lop_history *history, const char *recipe,
                              lop_error *error);

#endif
