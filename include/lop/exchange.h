/**
 * Exchange: networks to and from files that other programs read.
 *
 * The working format is safetensors. Tensors are named "NODE.weight" [out][in] float32,
 * "NODE.bias" [out] float32 and, where a layer has a mask, "NODE.mask" [out][in] as U8 (0 or 1).
 * The metadata carries "format": "lop", "lop.version", "lop.network" (the spec, JSON) and whatever
 * the caller adds, such as "lop.history".
 */
#ifndef LOP_EXCHANGE_H
#define LOP_EXCHANGE_H

#include <stdbool.h>

#include <lop/export.h>
#include <lop/network.h>
#include <lop/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Text metadata of a file: JSON text or plain. Lists end with a NULL key where passed in. */
typedef struct lop_metadata {
    const char *key;
    const char *value;
} lop_metadata;

/**
 * Write a network.
 *
 * Same network, same metadata: same bytes. Written to a temporary name, synced, renamed.
 *
 * @param metadata   borrowed, ends with a NULL key; may be NULL; keys must be unique
 * @param overwrite  false: LOP_E_EXISTS where `path` exists
 */
LOP_API lop_status lop_network_save(const lop_network *network, const char *path,
                                    const lop_metadata *metadata, bool overwrite, lop_error *error);

/**
 * Read a network that lop wrote, or any safetensors file whose tensors are named as above, or
 * "fc1.weight", "0.weight", … in an order in which the shapes chain (then relu is put between them;
 * PyTorch's nn.Linear stores out × in too).
 *
 * Hostile input: sizes are checked against the file before memory is asked for; NaN is refused.
 *
 * @param metadata  receives the file's metadata as a JSON object text, caller frees with free();
 *                  may be NULL
 */
LOP_API lop_status lop_network_load(lop_network **out, const char *path, char **metadata,
                                    lop_error *error);

#ifdef __cplusplus
}
#endif

#endif
