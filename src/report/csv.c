#include <lop/report.h>

#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "report/field.h"
#include "report/text.h"

/* RFC 4180: a value with a comma, quote or line break is quoted, quotes are doubled, lines end with
 * CR LF. */
static void write_quoted(const char *text, FILE *stream)
{
    if (!text || !strpbrk(text, ",\"\r\n")) {
        fputs(text ? text : "", stream);
        return;
    }
    fputc('"', stream);
    for (; *text; text++) {
        if (*text == '"')
            fputc('"', stream);
        fputc(*text, stream);
    }
    fputc('"', stream);
}

static void write_units(const lop_result *result, FILE *stream)
{
    for (size_t i = 0; result->units_left && i < result->units_left_count; i++)
        fprintf(stream, "%s%" PRIu64, i ? "-" : "", result->units_left[i]);
}

static void write_value(const lopi_field *field, const void *record, FILE *stream)
{
    char number[LOPI_NUMBER_SIZE];
    const void *at = lopi_field_at(field, record);
    switch (field->kind) {
    case LOPI_TEXT:
        write_quoted(*(char *const *)at, stream);
        break;
    case LOPI_CHARS:
        write_quoted(at, stream);
        break;
    case LOPI_COUNT:
        if (*(const uint64_t *)at != LOP_ABSENT)
            fprintf(stream, "%" PRIu64, *(const uint64_t *)at);
        break;
    case LOPI_UNITS:
        write_units(record, stream);
        break;
    default: /* sizes, numbers, fractions */
        fputs(lopi_number_text(number, lopi_field_number(field, record)), stream);
    }
}

/* One line: the header where `result` is NULL. A machine's fields are columns of their own. */
static void write_line(const lop_result *result, FILE *stream)
{
    const char *separator = "";
    for (size_t i = 0; i < lopi_result_fields.count; i++) {
        const lopi_field *field = lopi_result_fields.rows + i;
        if (field->kind == LOPI_EPOCHS || field->kind == LOPI_OBJECT)
            continue;
        bool machine = field->kind == LOPI_MACHINE;
        const lopi_fields columns = machine ? lopi_machine_fields : (lopi_fields){field, 1};
        for (size_t column = 0; column < columns.count; column++) {
            fputs(separator, stream);
            separator = ",";
            if (!result)
                fprintf(stream, "%s%s", machine ? "machine_" : "", columns.rows[column].name);
            else if (machine)
                write_value(columns.rows + column, &result->machine, stream);
            else
                write_value(field, result, stream);
        }
    }
    fputs("\r\n", stream);
}

lop_status lop_report_csv(const lop_results *results, FILE *stream, lop_error *error)
{
    write_line(NULL, stream);
    for (size_t i = 0; i < results->count; i++)
        write_line(results->items + i, stream);
    return lopi_stream_flush(stream, "the CSV", error);
}

/* What identifies a result, and behind it what its epoch did; the header where both are NULL. The
 * result's own fields end with its target, and none is called as an epoch's. */
static void write_epoch(const lop_result *result, const lop_epoch *epoch, FILE *stream)
{
    for (size_t i = 0; i < lopi_result_fields.count; i++) {
        const lopi_field *field = lopi_result_fields.rows + i;
        if (result)
            write_value(field, result, stream);
        else
            fputs(field->name, stream);
        fputc(',', stream);
        if (field->offset == offsetof(lop_result, target_sparsity))
            break;
    }
    for (size_t i = 0; i < lopi_epoch_fields.count; i++) {
        const lopi_field *field = lopi_epoch_fields.rows + i;
        fputs(i ? "," : "", stream);
        if (epoch)
            write_value(field, epoch, stream);
        else
            fputs(field->name, stream);
    }
    fputs("\r\n", stream);
}

lop_status lop_report_epochs_csv(const lop_results *results, FILE *stream, lop_error *error)
{
    write_epoch(NULL, NULL, stream);
    for (size_t i = 0; i < results->count; i++)
        for (size_t j = 0; results->items[i].epochs && j < results->items[i].epoch_count; j++)
            write_epoch(results->items + i, results->items[i].epochs + j, stream);
    return lopi_stream_flush(stream, "the CSV", error);
}
