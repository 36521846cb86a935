/**
 * The fields of a result, as tables. Reading, writing, CSV and statistics all walk them, so that a
 * new field is one row here and one member of the public struct.
 */
#ifndef LOPI_REPORT_FIELD_H
#define LOPI_REPORT_FIELD_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include <lop/result.h>

typedef enum lopi_kind {
    LOPI_TEXT,     /* char *, NULL where absent */
    LOPI_CHARS,    /* char[size], "" where absent */
    LOPI_COUNT,    /* uint64_t, LOP_ABSENT where absent */
    LOPI_SIZE,     /* size_t, 0 where absent */
    LOPI_NUMBER,   /* double, NaN where absent */
    LOPI_FRACTION, /* double in [0, 1], NaN where absent */
    /* The others stand in lop_result alone: */
    LOPI_UNITS,   /* units_left with its count */
    LOPI_EPOCHS,  /* epochs with its count */
    LOPI_MACHINE, /* machine, where has_machine */
    LOPI_OBJECT,  /* char * that holds a JSON object */
} lopi_kind;

typedef struct lopi_field {
    const char *name; /* in JSON and CSV */
    lopi_kind kind;
    size_t offset; /* of the member */
    size_t size;   /* LOPI_CHARS: bytes, terminator included */
} lopi_field;

typedef struct lopi_fields {
    const lopi_field *rows;
    size_t count;
} lopi_fields;

extern const lopi_fields lopi_result_fields, lopi_epoch_fields, lopi_machine_fields;

/** Where the member of `field` lies in `record`. */
const void *lopi_field_at(const lopi_field *field, const void *record);

/** A plain number (count, size, number or fraction) as double; NaN where absent or no number. */
double lopi_field_number(const lopi_field *field, const void *record);

/** Make every member of a record absent. */
void lopi_fields_clear(const lopi_fields *fields, void *record);

/**
 * A record as a JSON object; absent members are left out.
 * @param out  receives a new reference
 * @return LOP_OK; LOP_E_FORMAT (a text is not UTF-8, a recipe no object); LOP_E_RANGE (a count
 *         above 2^63 − 1, which JSON readers cannot take); LOP_E_MEMORY
 */
lop_status lopi_fields_write(const lopi_fields *fields, const void *record, json_t **out,
                             lop_error *error);

/**
 * Fill a cleared record from a JSON object. null is absent, unknown members are skipped.
 * @return LOP_OK; LOP_E_FORMAT, LOP_E_RANGE, LOP_E_LIMIT naming the member; LOP_E_MEMORY. On
 *         failure the record is partly filled, and still the caller's to free.
 */
lop_status lopi_fields_read(const lopi_fields *fields, void *record, const json_t *object,
                            lop_error *error);

#endif
