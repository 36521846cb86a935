/**
 * Pack: networks into the smallest file that they fit in, and back.
 *
 * A pruned network becomes a packed one (lop/run.h), and that becomes a .lop file, whose bytes
 * docs/format.md describes.
 */
#ifndef LOP_PACK_H
#define LOP_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lop/data.h>
#include <lop/export.h>
#include <lop/network.h>
#include <lop/run.h>
#include <lop/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/** How the values of a layer are kept. */
typedef struct lop_pack_values {
    lop_values kind;
    unsigned entries; /* of SHARED, 1 … 256; 0 means 16 */
} lop_pack_values;

/** Zero is a good default for every member; all pointers are borrowed for the call. */
typedef struct lop_pack_options {
    const lop_pack_values *values; /* [value_count] */
    size_t value_count; /* 0: FLOAT32; 1: the same for all layers; or one for each layer */
    bool keep_units;    /* take nothing out but weights that are 0 */
    bool keep_order;    /* leave hidden units where they are; so it is with FLOAT32 alone anyway */

    /* Calibration for int8: samples indices[0 … sample_count − 1], or the first sample_count of
     * them where `indices` is NULL; sample_count 0 means 1000, or all where there are fewer. Where
     * `samples` is NULL the network is not calibrated and runs in float32 only. A thousand will do.
     */
    const lop_samples *samples;
    const uint32_t *indices;
    size_t sample_count;
} lop_pack_options;

/**
 * A packed network of a trained one: weights that are 0 are left out, and hidden units with them
 * that nothing reads or that yield 0 whatever comes.
 *
 * With FLOAT32 for all layers nothing else changes: computed in the order of the columns, not one
 * bit of a result differs. Otherwise weights are rounded as the kind of values says, and hidden
 * units are sorted, which makes the file smaller and changes the order of sums:
 *
 *  - FLOAT16: to the nearest;
 *  - INT8: scale = max |w| / 127 of the unit, rounded to a bfloat16, and w ≈ scale · q;
 *  - SHARED: k-means over the layer's weights, begun with places evenly spaced from the least to
 *    the greatest (Han et al. 2016, section 3). No more different weights than entries are all
 *    kept, to 16 bits, and exactly where they are multiples of a step already, as lop_sharer makes
 *    them. Other tables of up to 64 entries are rounded to multiples of max / 127 where each is 8
 *    of these or more, else to 16 bits.
 *
 * Biases are rounded with the weights: of INT8 and SHARED to multiples of max / 127, but those that
 * are multiples of a step already, as lop_sharer leaves them; of FLOAT16 to 16 bits.
 *
 * Calibration sets the range of whole numbers, 0 … 127, that what each layer reads is rounded to in
 * int8. Behind relu it begins at 0; elsewhere it holds 0 exactly. Its end is the one among 1, 0.98,
 * 0.96, … 0.3 times the largest value that leaves the smallest mean squared error over the samples,
 * its scale rounded to a bfloat16: cutting off a few large values rounds all others more finely.
 *
 * @param out  receives the packed network; one owner, lop_packed_free; untouched on failure
 * @return LOP_OK; LOP_E_ARG, LOP_E_RANGE where the options make no sense; LOP_E_UNSUPPORTED where
 *         the graph is no chain of layers with a relu behind; LOP_E_NAN where a weight or what a
 *         layer reads is not finite; LOP_E_SHAPE where the samples do not fit; LOP_E_MEMORY
 */
LOP_API lop_status lop_pack(lop_packed **out, const lop_network *network,
                            const lop_pack_options *options, lop_error *error);

/**
 * Back: a network with the weights of a packed one as float32, and masks of what is left.
 * @return LOP_OK; LOP_E_LIMIT where the dense network would be too large; LOP_E_MEMORY
 */
LOP_API lop_status lop_unpack(lop_network **out, const lop_packed *packed, lop_error *error);

/**
 * The file of a packed network, in memory. The same network gives the same bytes, and what is read
 * from them gives them again. Everything is kept exactly, but for each layer's input_density, which
 * is kept to 1/255.
 *
 * @param data  receives the bytes; the caller frees them with free(); untouched on failure
 * @return LOP_OK; LOP_E_RANGE where values of FLOAT16 or scales of inputs are no such floats;
 * LOP_E_FORMAT where a
 * table does not rise, names repeat or have control characters; LOP_E_MEMORY
 */
LOP_API lop_status lop_packed_encode(const lop_packed *packed, uint8_t **data, size_t *size,
                                     lop_error *error);

/** The same into a file, written to a temporary name, synced, renamed. LOP_E_EXISTS where `path`
 * exists and `overwrite` is false; LOP_E_CREATE, LOP_E_IO, LOP_E_FULL too. */
LOP_API lop_status lop_packed_save(const lop_packed *packed, const char *path, bool overwrite,
                                   lop_error *error);

/* Fewest bits ---------------------------------------------------------------------------------- */

/** What a search for the fewest bits goes by. */
typedef struct lop_pack_search {
    const lop_samples *samples; /* validation samples indices[0 … sample_count − 1], borrowed */
    const uint32_t *indices;    /* NULL: the first ones */
    size_t sample_count;
    double max_loss; /* fraction of the samples that may be recognized no more, 0 … 1 */
} lop_pack_search;

/** What it found. */
typedef struct lop_pack_found {
    double accuracy_before, accuracy; /* on the samples, with float32 and with what was chosen */
    size_t trials;
} lop_pack_found;

/**
 * The fewest shared values that lose no more than is allowed: for all layers alike first, then for
 * each layer further down, those with the most weights first, as long as the accuracy bears it.
 * Where not even 256 do for all layers, INT8, else FLOAT16, else FLOAT32, and from there each layer
 * further down the same way.
 *
 * @param values  [layers of the network], written on success: for lop_pack
 * @param found   may be NULL
 * @return LOP_OK; LOP_E_ARG, LOP_E_SHAPE, LOP_E_RANGE where the samples will not do; as lop_pack
 */
LOP_API lop_status lop_pack_search_values(lop_pack_values *values, const lop_network *network,
                                          const lop_pack_search *search, lop_pack_found *found,
                                          lop_error *error);

/* Looking into files --------------------------------------------------------------------------- */

/** What a layer of a packed file takes, in bits, to a fraction. */
typedef struct lop_layer_bits {
    double inputs, counts, columns; /* which inputs it reads, weights of each row, and where */
    double biases, tables, values;  /* tables: of shared values, scales of int8 */
    double position_entropy, value_entropy; /* what positions and values would take each for itself:
                                             density and histogram of the layer known, no more */
} lop_layer_bits;

/** Where the bytes of a packed file go: header + graph + positions + values + other = bytes. */
typedef struct lop_file_account {
    size_t bytes, header, graph, positions, values, other; /* other: sections that are skipped */
    size_t layer_count;
    lop_layer_bits *layers; /* [layer_count] */
    double seconds;         /* that decoding took */
} lop_file_account;

/**
 * Open a packed file that is in memory and tell where its bytes go.
 * @param out     receives the account; lop_file_account_free; untouched on failure
 * @param packed  receives the network; may be NULL
 * @return as lop_packed_open
 */
LOP_API lop_status lop_packed_account(lop_file_account *out, lop_packed **packed, const void *data,
                                      size_t size, size_t max_memory, lop_error *error);
LOP_API void lop_file_account_free(lop_file_account *account);

/**
 * Bytes of a network in the scheme of Deep Compression (Han et al. 2016), as others would have it:
 * of each layer, row by row, the zeros before each weight in 5 bits, with a zero put in wherever
 * there are more than 31; weights as places in a table of at most 32 float32 values by k-means;
 * both through a Huffman code of the layer, whose lengths take a byte a symbol. Biases are float32.
 * @return LOP_OK; LOP_E_NAN; LOP_E_MEMORY. Untouched on failure.
 */
LOP_API lop_status lop_deep_compression_bytes(const lop_network *network, size_t *bytes,
                                              lop_error *error);

/** How two networks differ. */
typedef struct lop_difference {
    size_t samples, values;   /* compared */
    size_t different;         /* values that differ in any bit */
    double largest;           /* |a − b| */
    size_t sample;            /* where that is */
    size_t classes_different; /* samples in which the highest value is another one */
} lop_difference;

/**
 * Run two networks and compare what they yield. Both are computed by one definition, sums in
 * float32 in the order of the columns, so that equal networks are equal to the bit.
 *
 * @param samples  borrowed; NULL: made-up ones, even from −1 to 1
 * @param count    samples; the first ones
 * @param seed     of made-up ones
 * @param out      added to: zero it before the first call
 * @return LOP_OK; LOP_E_SHAPE where they do not read or yield alike, or the samples do not fit;
 *         LOP_E_RANGE; LOP_E_MEMORY
 */
LOP_API lop_status lop_packed_compare(const lop_packed *a, const lop_packed *b,
                                      const lop_samples *samples, size_t count, uint64_t seed,
                                      lop_difference *out, lop_error *error);

#ifdef __cplusplus
}
#endif

#endif
