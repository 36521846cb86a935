/**
 * CSV: one sample a line, one column the label, the others its values.
 *
 * A first line that does not consist of numbers is the header. Quotes are those of RFC 4180, but a
 * quoted field ends on its line. Numbers have a decimal point whatever the locale.
 */
#ifndef LOPI_DATA_CSV_H
#define LOPI_DATA_CSV_H

#include <stdbool.h>

#include "base/file.h"
#include "data/part.h"

/**
 * Read a CSV file, plain or gzip, as floats.
 *
 * @param label_column  name in the header; NULL: "label", else the first column
 * @param all_bytes     whether every value is an integer in 0 … 255
 * @param part          untouched on failure; end with lopi_part_free
 * @return LOP_OK; LOP_E_FORMAT and LOP_E_NAN with the line; LOP_E_LIMIT, LOP_E_MEMORY,
 *         LOP_E_NOT_FOUND, LOP_E_IO
 */
lop_status lopi_csv_read(lopi_part *part, bool *all_bytes, const char *path,
                         const char *label_column, size_t limit, lop_error *error);

/**
 * The same for a file's content, of samples that may have no label: where a line has `features`
 * columns all are values and the part has no labels, otherwise as above.
 */
lop_status lopi_csv_parse_inputs(lopi_part *part, bool *all_bytes, const char *path,
                                 const lopi_bytes *text, size_t features, lop_error *error);

#endif
