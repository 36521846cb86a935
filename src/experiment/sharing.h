/** Sharing: in the last training of a run, weights are held to few values (lop/sharer.h). */
#ifndef LOPI_EXPERIMENT_SHARING_H
#define LOPI_EXPERIMENT_SHARING_H

#include "experiment/fields.h"

/** No sharing, with nothing said of it. */
lop_sharing lopi_sharing_none(void);
/** Epochs of the training in which weights are shared; 0: there is none. */
size_t lopi_sharing_epochs(const lop_recipe *recipe);
/** Say all that is left to defaults; the stages are resolved already. */
void lopi_sharing_resolve(lop_recipe *recipe);
/** The recipe's sharing, as lop_recipe_check. */
lop_status lopi_sharing_check(const lop_recipe *recipe, lopi_fault *fault, lop_error *error);
/** What a sweep adds: its points train, or there is nothing in which to share. */
lop_status lopi_sharing_check_sweep(const lop_recipe *recipe, lop_error *error);
/** A sharer for a training on the split's samples, by a resolved recipe. */
lop_status lopi_sharing_new(lop_sharer **out, const lop_recipe *recipe, const lop_split *split,
                            const lop_network *network, lop_error *error);

#endif
