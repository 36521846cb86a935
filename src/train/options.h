/**
 * Train: how a network learns. Options and their checks here; rate.h says how far a step goes,
 * optimizer.h takes it, loop.c repeats it, checkpoint.h lets it be interrupted. May use base, nn,
 * exchange and data. Start reading at loop.c.
 */
#ifndef LOPI_TRAIN_OPTIONS_H
#define LOPI_TRAIN_OPTIONS_H

#include <jansson.h>

#include <lop/train.h>

/**
 * All options that bear on the result, as a new JSON object; NULL without memory. Values
 * are texts, real numbers with 17 digits, so that equal text means equal value.
 */
json_t *lopi_train_options_json(const lop_train_options *options);

/**
 * Compare options with those of lopi_train_options_json.
 * @return LOP_OK, or LOP_E_ARG naming the first that differs and both values
 */
lop_status lopi_train_options_compare(const lop_train_options *options, const json_t *saved,
                                      lop_error *error);

#endif
