/** Record: the numbers of a training's state as JSON text, for a checkpoint's metadata. */
#ifndef LOPI_TRAIN_RECORD_H
#define LOPI_TRAIN_RECORD_H

#include <stddef.h>

#include "train/checkpoint.h"
#include "train/state.h"

/** Write. Caller frees with free(). LOP_E_MEMORY. */
lop_status lopi_record_write(const lopi_state *state, const lopi_identity *identity, char **text,
                             lop_error *error);

/**
 * Read the numbers of `text` into `state`; tensors are left alone.
 *
 * @return LOP_OK; LOP_E_ARG where it belongs to another training; LOP_E_VERSION; LOP_E_FORMAT;
 *         LOP_E_MEMORY. On failure `state` is unchanged.
 */
lop_status lopi_record_read(lopi_state *state, const lopi_identity *identity, const char *text,
                            lop_error *error);

#endif
