/** Packed files as commands read and show them. */
#ifndef CLI_PACKED_FILE_H
#define CLI_PACKED_FILE_H

#include <jansson.h>

#include <lop/network.h>
#include <lop/pack.h>

#include "session.h"

/** A packed file with all that can be told of it. Zero it first; end with packed_file_free. */
typedef struct packed_file {
    const char *path;
    lop_packed *packed;
    lop_file_account account;
} packed_file;

lop_status packed_file_open(packed_file *out, const char *path, lop_error *error);
/** Of a network that is yet to be written to `path`. */
lop_status packed_file_encode(packed_file *out, const lop_packed *packed, const char *path,
                              lop_error *error);
void packed_file_free(packed_file *file);

/** "shared 16", "int8". */
char *packed_values_text(const lop_packed_layer *layer, char *buffer, size_t size);

/** Each layer: what is left, and the bits that a position and a value take, with the entropies. */
void packed_file_show_layers(const packed_file *file);
/** Every byte of the file by its purpose. */
void packed_file_show_bytes(const packed_file *file);
/** How fast it is decoded. */
void packed_file_show_speed(const packed_file *file);
void packed_file_say_speed(const packed_file *file, session *s);
/** The same as JSON. */
json_t *packed_file_json(const packed_file *file);

/** Of the weights that are left: a histogram a layer, and a picture of where they stand. */
lop_status packed_file_show_weights(const packed_file *file, const terminal *out, lop_error *error);

/** A network from either kind of file, as it is: nothing taken out of a trained one, nothing moved.
 * "-" is not allowed. */
lop_status network_open_packed(lop_packed **out, const char *path, lop_error *error);

#endif
