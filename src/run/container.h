/**
 * Container: the bytes of a packed file, as docs/format.md says: header, table of sections, and the
 * sections themselves, each with its checksum.
 */
#ifndef LOPI_RUN_CONTAINER_H
#define LOPI_RUN_CONTAINER_H

#include <stddef.h>
#include <stdint.h>

#include <lop/status.h>

#include "run/numbers.h"
#include "run/positions.h"

#define LOPI_SIGNATURE      "\x89LOP\r\n\x1a\n"
#define LOPI_SIGNATURE_SIZE 8
#define LOPI_MAJOR          1
#define LOPI_MINOR          0
#define LOPI_HEADER_SIZE    16 /* signature, major, minor, number of sections, length of the file */
#define LOPI_ENTRY_SIZE     10 /* tag, length, checksum */
#define LOPI_LENGTH_SIZE    5
#define LOPI_MAX_SECTIONS   64

/* What every file has. An upper-case letter says that a reader must know it. */
typedef enum lopi_part { LOPI_GRAPH, LOPI_WEIGHTS, LOPI_PARTS } lopi_part;
extern const char lopi_part_tags[LOPI_PARTS]; /* rising */

typedef struct lopi_section {
    const uint8_t *data; /* borrowed from the file */
    size_t size, offset;
} lopi_section;

/** CRC-32C (Castagnoli) of bytes, as in RFC 3720. */
uint32_t lopi_crc32c(const uint8_t *data, size_t size);

/**
 * Check a file's header, table and checksums, and find its parts.
 * @param file  for errors; may be NULL
 * @return LOP_OK; LOP_E_FORMAT, LOP_E_TRUNCATED, LOP_E_VERSION, LOP_E_CHECKSUM, LOP_E_LIMIT
 */
lop_status lopi_container_read(lopi_section sections[LOPI_PARTS], const uint8_t *data, size_t size,
                               const char *file, lop_error *error);

/* What a layer says of itself in the graph beside what lopi_packed_layer has. */
typedef struct lopi_layer_form {
    lopi_position_form positions;
    uint32_t left;
    bool bias;
} lopi_layer_form;

enum { /* flags of a layer in the graph */
       LOPI_FLAG_RELU = 1,
       LOPI_FLAG_BIAS = 2,
       LOPI_FLAG_CALIBRATED = 4,
       LOPI_FLAG_SORTED = 8,
       LOPI_FLAG_NAMED = 16,
       LOPI_KIND_SHIFT = 5, /* the kind of the values stands above the flags */
       LOPI_BLOCK_GRID = 8, /* beside the block: a grid follows */
};
enum { LOPI_NODE_INPUT, LOPI_NODE_LINEAR }; /* operations in the graph */

/** The name of layer `index` where the file has none: "fc1" is the first. */
void lopi_layer_name(char name[LOP_RUN_MAX_NAME], size_t index);

/** What each part of a file took. */
typedef struct lopi_account {
    size_t header, parts[LOPI_PARTS], other; /* bytes; their sum is the file */
    size_t layers;
    struct lopi_layer_account {
        size_t graph; /* bytes */
        lopi_position_bits positions;
        lopi_value_bits values;
    } * layer;      /* [layers]; end with lopi_free */
    double seconds; /* that decoding took, without checksums */
} lopi_account;

/**
 * As lop_packed_open, with an account.
 * @param account  zeroed; may be NULL; what it holds is the caller's also on failure
 */
lop_status lopi_packed_read(lop_packed **out, const uint8_t *data, size_t size, size_t max_memory,
                            const char *file, lopi_account *account, lop_error *error);

#endif
