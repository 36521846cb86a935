#include "report/field.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "report/json.h"

enum { MAX_UNITS = 1 << 16, MAX_EPOCHS = 1 << 20 };

#define RESULT(kind, member)                                                                       \
    {                                                                                              \
        .name = #member, LOPI_##kind, offsetof(lop_result, member), 0                              \
    }
#define EPOCH(kind, label, member)                                                                 \
    {                                                                                              \
        .name = label, LOPI_##kind, offsetof(lop_epoch, member), 0                                 \
    }
#define MACHINE(kind, member)                                                                      \
    {                                                                                              \
        .name = #member, LOPI_##kind, offsetof(lop_machine, member),                               \
        sizeof((lop_machine *)0)->member                                                           \
    }

static const lopi_field result_rows[] = {
    RESULT(TEXT, dataset),
    RESULT(TEXT, network),
    RESULT(TEXT, method),
    RESULT(TEXT, criterion),
    RESULT(TEXT, scope),
    RESULT(TEXT, schedule),
    RESULT(COUNT, seed),
    RESULT(FRACTION, target_sparsity),
    RESULT(FRACTION, sparsity),
    RESULT(COUNT, weights_total),
    RESULT(COUNT, weights_left),
    RESULT(COUNT, effective_weights_left),
    RESULT(UNITS, units_left),
    RESULT(NUMBER, train_loss),
    RESULT(FRACTION, train_accuracy),
    RESULT(NUMBER, valid_loss),
    RESULT(FRACTION, valid_accuracy),
    RESULT(NUMBER, test_loss),
    RESULT(FRACTION, test_accuracy),
    RESULT(COUNT, bytes_dense),
    RESULT(COUNT, bytes_sparse),
    RESULT(COUNT, bytes_zstd),
    RESULT(COUNT, bytes_gzip),
    RESULT(COUNT, bytes_deep_compression),
    RESULT(COUNT, bytes_packed),
    RESULT(COUNT, bytes_packed_shared),
    RESULT(TEXT, packed),
    RESULT(TEXT, packed_shared),
    RESULT(NUMBER, latency_us_batch1),
    RESULT(NUMBER, throughput_batch256),
    RESULT(NUMBER, compacted_latency_us_batch1),
    RESULT(NUMBER, compacted_throughput_batch256),
    RESULT(NUMBER, dense_latency_us_batch1),
    RESULT(NUMBER, dense_throughput_batch256),
    RESULT(NUMBER, energy_uj_estimate),
    RESULT(NUMBER, dense_energy_uj_estimate),
    RESULT(NUMBER, energy_uj_measured),
    RESULT(NUMBER, dense_energy_uj_measured),
    RESULT(NUMBER, prune_seconds),
    RESULT(NUMBER, train_seconds),
    RESULT(COUNT, peak_memory_bytes),
    RESULT(EPOCHS, epochs),
    RESULT(MACHINE, machine),
    RESULT(TEXT, version),
    RESULT(OBJECT, recipe),
};

static const lopi_field epoch_rows[] = {
    EPOCH(SIZE, "epoch", epoch),
    EPOCH(NUMBER, "learning_rate", learning_rate),
    EPOCH(FRACTION, "sparsity", sparsity),
    EPOCH(NUMBER, "train_loss", train_loss),
    EPOCH(FRACTION, "train_accuracy", train_accuracy),
    EPOCH(NUMBER, "valid_loss", validation_loss),
    EPOCH(FRACTION, "valid_accuracy", validation_accuracy),
    EPOCH(NUMBER, "test_loss", test_loss),
    EPOCH(FRACTION, "test_accuracy", test_accuracy),
    EPOCH(NUMBER, "seconds", seconds),
};

static const lopi_field machine_rows[] = {
    MACHINE(CHARS, cpu),  MACHINE(CHARS, isa),    MACHINE(CHARS, host),
    MACHINE(SIZE, cores), MACHINE(SIZE, threads), MACHINE(SIZE, memory_bytes),
};

const lopi_fields lopi_result_fields = {result_rows, sizeof result_rows / sizeof *result_rows};
const lopi_fields lopi_epoch_fields = {epoch_rows, sizeof epoch_rows / sizeof *epoch_rows};
const lopi_fields lopi_machine_fields = {machine_rows, sizeof machine_rows / sizeof *machine_rows};

/* Each kind writes a JSON value (NULL in *out: absent), and reads one that is not null. Both are
 * given the record; what they need of the field they find by its offset. */
typedef lop_status write_function(const lopi_field *field, const void *record, json_t **out,
                                  lop_error *error);
typedef lop_status read_function(const lopi_field *field, void *record, const json_t *value,
                                 lop_error *error);

const void *lopi_field_at(const lopi_field *field, const void *record)
{
    return (const char *)record + field->offset;
}

static void *member(const lopi_field *field, void *record)
{
    return (char *)record + field->offset;
}

static const char *type_name(const json_t *value)
{
    static const char *const names[] = {
        [JSON_OBJECT] = "an object",   [JSON_ARRAY] = "an array", [JSON_STRING] = "a string",
        [JSON_INTEGER] = "an integer", [JSON_REAL] = "a real",    [JSON_TRUE] = "a boolean",
        [JSON_FALSE] = "a boolean",    [JSON_NULL] = "null",
    };
    return names[json_typeof(value)];
}

static lop_status fail_type(const lopi_field *field, const char *expected, const json_t *value,
                            lop_error *error)
{
    return lopi_fail(error, LOP_E_FORMAT, "member \"%s\": expected %s, found %s", field->name,
                     expected, type_name(value));
}

static lop_status made(json_t *value, json_t **out, lop_error *error)
{
    *out = value;
    return value ? LOP_OK : lopi_fail_memory(error, 0);
}

/* Texts -------------------------------------------------------------------------------------- */

static lop_status write_string(const lopi_field *field, const char *text, json_t **out,
                               lop_error *error)
{
    if (!lopi_is_utf8(text))
        return lopi_fail(error, LOP_E_FORMAT,
                         "member \"%s\": expected UTF-8 text, found other "
                         "bytes; name it without them",
                         field->name);
    return made(json_string(text), out, error);
}

static lop_status write_text(const lopi_field *field, const void *record, json_t **out,
                             lop_error *error)
{
    const char *text = *(char *const *)lopi_field_at(field, record);
    return text ? write_string(field, text, out, error) : LOP_OK;
}

static lop_status read_text(const lopi_field *field, void *record, const json_t *value,
                            lop_error *error)
{
    if (!json_is_string(value))
        return fail_type(field, "a string", value, error);
    return lop_result_set_text(member(field, record), json_string_value(value), error);
}

static lop_status write_chars(const lopi_field *field, const void *record, json_t **out,
                              lop_error *error)
{
    const char *text = lopi_field_at(field, record);
    return text[0] ? write_string(field, text, out, error) : LOP_OK;
}

static lop_status read_chars(const lopi_field *field, void *record, const json_t *value,
                             lop_error *error)
{
    if (!json_is_string(value))
        return fail_type(field, "a string", value, error);
    size_t length = json_string_length(value);
    if (length >= field->size)
        return lopi_fail(error, LOP_E_LIMIT, "member \"%s\": expected at most %zu bytes, found %zu",
                         field->name, field->size - 1, length);
    memcpy(member(field, record), json_string_value(value), length + 1);
    return LOP_OK;
}

static lop_status write_object(const lopi_field *field, const void *record, json_t **out,
                               lop_error *error)
{
    const char *text = *(char *const *)lopi_field_at(field, record);
    if (!text)
        return LOP_OK;
    json_error_t reason;
    json_t *object = json_loads(text, JSON_REJECT_DUPLICATES, &reason);
    if (!json_is_object(object)) {
        json_decref(object);
        return lopi_fail(error, LOP_E_FORMAT, "member \"%s\": expected a JSON object: %s",
                         field->name, object ? "found another value" : reason.text);
    }
    *out = object;
    return LOP_OK;
}

static lop_status read_object(const lopi_field *field, void *record, const json_t *value,
                              lop_error *error)
{
    if (!json_is_object(value))
        return fail_type(field, "an object", value, error);
    char *text = NULL;
    lop_status status = lopi_json_text(value, (lopi_json_style){0}, &text, error);
    if (status != LOP_OK)
        return status;
    char **target = member(field, record);
    lopi_free(*target);
    *target = text;
    return LOP_OK;
}

/* Numbers ------------------------------------------------------------------------------------ */

static lop_status write_integer(const lopi_field *field, uint64_t number, json_t **out,
                                lop_error *error)
{
    if (number > INT64_MAX)
        return lopi_fail(error, LOP_E_RANGE,
                         "member \"%s\": expected at most %" PRId64 ", found %" PRIu64, field->name,
                         INT64_MAX, number);
    return made(json_integer((json_int_t)number), out, error);
}

static lop_status read_integer(const lopi_field *field, const json_t *value, uint64_t *out,
                               lop_error *error)
{
    if (!json_is_integer(value))
        return fail_type(field, "an integer", value, error);
    json_int_t number = json_integer_value(value);
    if (number < 0)
        return lopi_fail(error, LOP_E_RANGE, "member \"%s\": expected 0 or more, found %lld",
                         field->name, (long long)number);
    *out = (uint64_t)number;
    return LOP_OK;
}

static lop_status write_count(const lopi_field *field, const void *record, json_t **out,
                              lop_error *error)
{
    uint64_t number = *(const uint64_t *)lopi_field_at(field, record);
    return number == LOP_ABSENT ? LOP_OK : write_integer(field, number, out, error);
}

static lop_status read_count(const lopi_field *field, void *record, const json_t *value,
                             lop_error *error)
{
    return read_integer(field, value, member(field, record), error);
}

static lop_status write_size(const lopi_field *field, const void *record, json_t **out,
                             lop_error *error)
{
    size_t number = *(const size_t *)lopi_field_at(field, record);
    return number == 0 ? LOP_OK : write_integer(field, number, out, error);
}

static lop_status read_size(const lopi_field *field, void *record, const json_t *value,
                            lop_error *error)
{
    uint64_t number = 0;
    lop_status status = read_integer(field, value, &number, error);
    if (status != LOP_OK)
        return status;
    if (number > SIZE_MAX)
        return lopi_fail(error, LOP_E_RANGE, "member \"%s\": expected at most %zu, found %" PRIu64,
                         field->name, (size_t)SIZE_MAX, number);
    *(size_t *)member(field, record) = (size_t)number;
    return LOP_OK;
}

static lop_status write_number(const lopi_field *field, const void *record, json_t **out,
                               lop_error *error)
{
    double number = *(const double *)lopi_field_at(field, record);
    return isfinite(number) ? made(json_real(number), out, error) : LOP_OK;
}

static lop_status read_number(const lopi_field *field, void *record, const json_t *value,
                              lop_error *error)
{
    if (!json_is_number(value))
        return fail_type(field, "a number", value, error);
    *(double *)member(field, record) = json_number_value(value);
    return LOP_OK;
}

static lop_status read_fraction(const lopi_field *field, void *record, const json_t *value,
                                lop_error *error)
{
    if (!json_is_number(value))
        return fail_type(field, "a number", value, error);
    double number = json_number_value(value);
    if (!(number >= 0 && number <= 1))
        return lopi_fail(error, LOP_E_RANGE, "member \"%s\": expected 0 to 1, found %g",
                         field->name, number);
    *(double *)member(field, record) = number;
    return LOP_OK;
}

/* What stands in a result alone -------------------------------------------------------------- */

/* Append `item` (taken over, may be NULL) to *array. */
static lop_status append(json_t *array, json_t *item, lop_error *error)
{
    return json_array_append_new(array, item) == 0 ? LOP_OK : lopi_fail_memory(error, 0);
}

static lop_status write_units(const lopi_field *field, const void *record, json_t **out,
                              lop_error *error)
{
    const lop_result *result = record;
    if (!result->units_left)
        return LOP_OK;
    json_t *array = NULL;
    lop_status status = made(json_array(), &array, error);
    for (size_t i = 0; status == LOP_OK && i < result->units_left_count; i++) {
        json_t *item = NULL;
        status = write_integer(field, result->units_left[i], &item, error);
        if (status == LOP_OK)
            status = append(array, item, error);
    }
    *out = array;
    return status;
}

static lop_status read_units(const lopi_field *field, void *record, const json_t *value,
                             lop_error *error)
{
    if (!json_is_array(value))
        return fail_type(field, "an array", value, error);
    size_t count = json_array_size(value);
    if (count > MAX_UNITS)
        return lopi_fail(error, LOP_E_LIMIT, "member \"%s\": expected at most %d items, found %zu",
                         field->name, MAX_UNITS, count);
    lop_result *result = record;
    uint64_t *units = lopi_alloc(count ? count : 1, sizeof *units);
    if (!units)
        return lopi_fail_memory(error, count * sizeof *units);
    lopi_free(result->units_left);
    result->units_left = units;
    result->units_left_count = count;
    for (size_t i = 0; i < count; i++) {
        lop_status status = read_integer(field, json_array_get(value, i), units + i, error);
        if (status != LOP_OK)
            return status;
    }
    return LOP_OK;
}

static lop_status write_epochs(const lopi_field *field, const void *record, json_t **out,
                               lop_error *error)
{
    (void)field;
    const lop_result *result = record;
    if (!result->epochs)
        return LOP_OK;
    json_t *array = NULL;
    lop_status status = made(json_array(), &array, error);
    for (size_t i = 0; status == LOP_OK && i < result->epoch_count; i++) {
        json_t *item = NULL;
        status = lopi_fields_write(&lopi_epoch_fields, result->epochs + i, &item, error);
        if (status == LOP_OK)
            status = append(array, item, error);
    }
    *out = array;
    return status;
}

static lop_status read_epochs(const lopi_field *field, void *record, const json_t *value,
                              lop_error *error)
{
    if (!json_is_array(value))
        return fail_type(field, "an array", value, error);
    size_t count = json_array_size(value);
    if (count > MAX_EPOCHS)
        return lopi_fail(error, LOP_E_LIMIT, "member \"%s\": expected at most %d items, found %zu",
                         field->name, MAX_EPOCHS, count);
    lop_result *result = record;
    lop_epoch *epochs = lopi_alloc(count ? count : 1, sizeof *epochs);
    if (!epochs)
        return lopi_fail_memory(error, count * sizeof *epochs);
    lopi_free(result->epochs);
    result->epochs = epochs;
    result->epoch_count = count;
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(value, i);
        if (!json_is_object(item))
            return fail_type(field, "an array of objects", item, error);
        lopi_fields_clear(&lopi_epoch_fields, epochs + i);
        lop_status status = lopi_fields_read(&lopi_epoch_fields, epochs + i, item, error);
        if (status != LOP_OK)
            return status;
    }
    return LOP_OK;
}

static lop_status write_machine(const lopi_field *field, const void *record, json_t **out,
                                lop_error *error)
{
    (void)field;
    const lop_result *result = record;
    if (!result->has_machine)
        return LOP_OK;
    return lopi_fields_write(&lopi_machine_fields, &result->machine, out, error);
}

static lop_status read_machine(const lopi_field *field, void *record, const json_t *value,
                               lop_error *error)
{
    if (!json_is_object(value))
        return fail_type(field, "an object", value, error);
    lop_result *result = record;
    result->has_machine = true;
    return lopi_fields_read(&lopi_machine_fields, &result->machine, value, error);
}

/* All together ------------------------------------------------------------------------------- */

static const struct {
    write_function *write;
    read_function *read;
} kinds[] = {
    [LOPI_TEXT] = {write_text, read_text},          [LOPI_CHARS] = {write_chars, read_chars},
    [LOPI_COUNT] = {write_count, read_count},       [LOPI_SIZE] = {write_size, read_size},
    [LOPI_NUMBER] = {write_number, read_number},    [LOPI_FRACTION] = {write_number, read_fraction},
    [LOPI_UNITS] = {write_units, read_units},       [LOPI_EPOCHS] = {write_epochs, read_epochs},
    [LOPI_MACHINE] = {write_machine, read_machine}, [LOPI_OBJECT] = {write_object, read_object},
};

double lopi_field_number(const lopi_field *field, const void *record)
{
    const void *at = lopi_field_at(field, record);
    switch (field->kind) {
    case LOPI_COUNT:
        return *(const uint64_t *)at == LOP_ABSENT ? NAN : (double)*(const uint64_t *)at;
    case LOPI_SIZE:
        return *(const size_t *)at == 0 ? NAN : (double)*(const size_t *)at;
    case LOPI_NUMBER:
    case LOPI_FRACTION:
        return *(const double *)at;
    default:
        return NAN;
    }
}

void lopi_fields_clear(const lopi_fields *fields, void *record)
{
    for (size_t i = 0; i < fields->count; i++) {
        const lopi_field *field = fields->rows + i;
        if (field->kind == LOPI_COUNT)
            *(uint64_t *)member(field, record) = LOP_ABSENT;
        else if (field->kind == LOPI_NUMBER || field->kind == LOPI_FRACTION)
            *(double *)member(field, record) = NAN;
        else if (field->kind == LOPI_SIZE)
            *(size_t *)member(field, record) = 0;
    }
}

lop_status lopi_fields_write(const lopi_fields *fields, const void *record, json_t **out,
                             lop_error *error)
{
    json_t *object = json_object();
    if (!object)
        return lopi_fail_memory(error, 0);
    for (size_t i = 0; i < fields->count; i++) {
        const lopi_field *field = fields->rows + i;
        json_t *value = NULL;
        lop_status status = kinds[field->kind].write(field, record, &value, error);
        if (status == LOP_OK && value && json_object_set(object, field->name, value) != 0)
            status = lopi_fail_memory(error, 0);
        json_decref(value);
        if (status != LOP_OK) {
            json_decref(object);
            return status;
        }
    }
    *out = object;
    return LOP_OK;
}

lop_status lopi_fields_read(const lopi_fields *fields, void *record, const json_t *object,
                            lop_error *error)
{
    for (size_t i = 0; i < fields->count; i++) {
        const lopi_field *field = fields->rows + i;
        const json_t *value = json_object_get(object, field->name);
        if (!value || json_is_null(value))
            continue;
        lop_status status = kinds[field->kind].read(field, record, value, error);
        if (status != LOP_OK)
            return status;
    }
    return LOP_OK;
}
