#include "data/csv.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "data/source.h"

enum { NO_LABEL = LOP_MAX_FEATURES + 1 };

/* One field of a line; quotes taken off, doubled quotes still doubled. */
typedef struct field {
    const char *text;
    size_t size;
} field;

typedef struct reader {
    const char *path;
    const char *at, *end;  /* what is left of the file */
    size_t line;           /* of `at`, from 1 */
    size_t columns, label; /* label: its column, or NO_LABEL */
    size_t features;       /* lines of so many columns have no label; 0: each has one */
    size_t limit;          /* bytes of values */
    size_t count, capacity;
    float *values; /* [capacity][columns − 1], or all columns where there is no label */
    uint16_t *labels;
    size_t largest_label;
    bool all_bytes;
    lop_error *error;
} reader;

static lop_status bad_field(const reader *r, size_t column, const field *f, const char *expected)
{
    int size = f->size < 40 ? (int)f->size : 40;
    return lopi_fail_line(r->error, LOP_E_FORMAT, r->path, r->line,
                          "column %zu: expected %s, found \"%.*s\"", column + 1, expected, size,
                          f->text);
}

static const char *line_end(const reader *r)
{
    const char *end = memchr(r->at, '\n', (size_t)(r->end - r->at));
    return end ? end : r->end;
}

static void next_line(reader *r)
{
    const char *end = line_end(r);
    r->at = end < r->end ? end + 1 : end;
    r->line++;
}

/* End of the line's content: without a carriage return. */
static const char *content_end(const reader *r)
{
    const char *end = line_end(r);
    return end > r->at && end[-1] == '\r' ? end - 1 : end;
}

static bool skip_empty_lines(reader *r)
{
    while (r->at < r->end && content_end(r) == r->at)
        next_line(r);
    return r->at < r->end;
}

/* Step over one field and the comma behind it; `*at` becomes NULL after the line's last field. */
static lop_status take_field(const reader *r, const char **at, const char *end, size_t column,
                             field *out)
{
    const char *start = *at, *stop;
    if (start < end && *start == '"') {
        for (stop = start + 1; stop < end; stop++) {
            if (*stop != '"')
                continue;
            if (stop + 1 == end || stop[1] != '"')
                break;
            stop++;
        }
        *out = (field){start + 1, (size_t)(stop < end ? stop - start - 1 : end - start - 1)};
        if (stop >= end || (stop + 1 < end && stop[1] != ','))
            return bad_field(r, column, out, "a closing quote and a comma behind it");
        stop++;
    } else {
        stop = memchr(start, ',', (size_t)(end - start));
        stop = stop ? stop : end;
        while (start < stop && (*start == ' ' || *start == '\t'))
            start++;
        const char *last = stop;
        while (last > start && (last[-1] == ' ' || last[-1] == '\t'))
            last--;
        *out = (field){start, (size_t)(last - start)};
    }
    *at = stop < end ? stop + 1 : NULL;
    return LOP_OK;
}

/* Up to seven digits, which a float holds exactly: nearly every field of nearly every file. */
static bool small_integer(const field *f, float *value)
{
    if (f->size == 0 || f->size > 7)
        return false;
    int number = 0;
    for (size_t i = 0; i < f->size; i++) {
        if (f->text[i] < '0' || f->text[i] > '9')
            return false;
        number = 10 * number + (f->text[i] - '0');
    }
    *value = (float)number;
    return true;
}

/* Any other number. Called with the "C" locale in force; what follows a field stops strtof. */
static bool any_number(const field *f, float *value)
{
    if (f->size == 0 || strspn(f->text, "0123456789+-.eE") < f->size)
        return false;
    char *end;
    *value = strtof(f->text, &end);
    return end == f->text + f->size;
}

static bool parse_number(const field *f, float *value)
{
    return small_integer(f, value) || any_number(f, value);
}

static bool name_equals(const field *f, const char *name)
{
    return strlen(name) == f->size && memcmp(f->text, name, f->size) == 0;
}

/* Look at the first line: how many columns, whether it is a header, where the label stands. */
static lop_status read_header(reader *r, const char *label_column)
{
    const char *at = r->at, *end = content_end(r), *wanted = label_column ? label_column : "label";
    bool header = false, found = false;
    while (at) {
        field f;
        float number;
        lop_status status = take_field(r, &at, end, r->columns, &f);
        if (status != LOP_OK)
            return status;
        header |= !parse_number(&f, &number);
        if (!found && name_equals(&f, wanted)) {
            found = true;
            r->label = r->columns;
        }
        r->columns++;
    }
    bool bare = r->features > 0 && r->columns == r->features;
    if ((r->columns < 2 && !bare) || r->columns > LOP_MAX_FEATURES + 1u)
        return lopi_fail_line(r->error, r->columns < 2 ? LOP_E_FORMAT : LOP_E_LIMIT, r->path,
                              r->line, "expected 2 to %u columns separated by commas, found %zu",
                              LOP_MAX_FEATURES + 1u, r->columns);
    if (label_column && (!header || !found))
        return lopi_fail_line(r->error, LOP_E_FORMAT, r->path, r->line,
                              "expected a column named \"%s\", found %s", label_column,
                              header ? "none of that name" : "numbers and no header");
    if (bare)
        r->label = NO_LABEL;
    else if (!header)
        r->label = 0;
    if (header)
        next_line(r);
    return LOP_OK;
}

static size_t values_of(const reader *r) { return r->columns - (r->label != NO_LABEL); }

static lop_status grow(reader *r)
{
    if (r->count == LOP_MAX_SAMPLES)
        return lopi_fail_line(r->error, LOP_E_LIMIT, r->path, r->line,
                              "expected at most %u samples, found more", LOP_MAX_SAMPLES);
    if (r->count < r->capacity)
        return LOP_OK;
    /* By a quarter: of short fields the text is half the size of the floats already. */
    size_t capacity = r->capacity + r->capacity / 4 + 64, row = values_of(r) * sizeof(float), bytes;
    size_t most = row > 0 ? r->limit / row : capacity;
    if (most <= r->count)
        return lopi_fail_line(r->error, LOP_E_LIMIT, r->path, r->line,
                              "expected at most %zu bytes of values, found more", r->limit);
    capacity = capacity < most ? capacity : most;
    if (!lopi_multiply(capacity, row, &bytes))
        return lopi_fail_memory(r->error, SIZE_MAX);
    float *values = lopi_realloc(r->values, capacity, row);
    if (!values)
        return lopi_fail_memory(r->error, bytes);
    r->values = values;
    uint16_t *labels = lopi_realloc(r->labels, capacity, sizeof *labels);
    if (!labels)
        return lopi_fail_memory(r->error, capacity * sizeof *labels);
    r->labels = labels;
    r->capacity = capacity;
    return LOP_OK;
}

static lop_status store_label(reader *r, size_t column, const field *f, float number)
{
    if (!(number >= 0 && number < (float)LOP_MAX_CLASSES) || number != floorf(number))
        return bad_field(r, column, f, "a label, an integer from 0 to 65535");
    size_t label = (size_t)number;
    r->labels[r->count] = (uint16_t)label;
    r->largest_label = label > r->largest_label ? label : r->largest_label;
    return LOP_OK;
}

static lop_status read_line(reader *r)
{
    lop_status status = grow(r);
    if (status != LOP_OK)
        return status;
    const char *at = r->at, *end = content_end(r);
    float *row = r->values + r->count * values_of(r); /* fits: within what grow asked for */
    size_t column = 0;
    for (; at && column < r->columns; column++) {
        field f;
        float number;
        status = take_field(r, &at, end, column, &f);
        if (status != LOP_OK)
            return status;
        if (!parse_number(&f, &number))
            return bad_field(r, column, &f, "a number");
        if (!isfinite(number))
            return bad_field(r, column, &f, "a number that a float can hold");
        if (column == r->label) {
            status = store_label(r, column, &f, number);
            if (status != LOP_OK)
                return status;
            continue;
        }
        r->all_bytes &= number >= 0 && number <= 255 && number == floorf(number);
        *row++ = number;
    }
    if (at || column < r->columns)
        return lopi_fail_line(r->error, LOP_E_FORMAT, r->path, r->line,
                              "expected %zu columns, as in the first line, found %s", r->columns,
                              at ? "more" : "fewer");
    r->count++;
    next_line(r);
    return LOP_OK;
}

static lop_status read_lines(reader *r, const char *label_column)
{
    if (!skip_empty_lines(r))
        return lopi_fail_file(r->error, LOP_E_FORMAT, r->path, "expected lines, found none");
    lop_status status = read_header(r, label_column);
    while (status == LOP_OK && skip_empty_lines(r))
        status = read_line(r);
    if (status == LOP_OK && r->count == 0)
        status = lopi_fail_file(r->error, LOP_E_FORMAT, r->path,
                                "expected samples below the header, found none");
    return status;
}

/* Everything of a text; `r` holds what is asked for. */
static lop_status parse(reader *r, const lopi_bytes *text, const char *label_column,
                        lopi_part *part)
{
    r->at = (const char *)text->data;
    r->end = r->at + text->size;
    r->line = 1;
    r->all_bytes = true;
    if (memchr(r->at, 0, text->size))
        return lopi_fail_file(r->error, LOP_E_FORMAT, r->path,
                              "expected CSV text, found binary data; IDX files are opened by the "
                              "name of their directory");
    if (text->size >= 3 && memcmp(r->at, "\xef\xbb\xbf", 3) == 0)
        r->at += 3; /* the byte order mark that spreadsheets write */
    locale_t neutral = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
    if (!neutral)
        return lopi_fail_errno(r->error, LOP_E_INTERNAL, r->path, "set the number format", errno);
    locale_t before = uselocale(neutral); /* of this thread alone */
    lop_status status = read_lines(r, label_column);
    uselocale(before);
    freelocale(neutral);
    lopi_part made = {.values = r->values, .labels = r->labels};
    if (status != LOP_OK) {
        lopi_part_free(&made);
        return status;
    }
    made.samples = (lop_samples){.count = r->count,
                                 .features = values_of(r),
                                 .height = 1,
                                 .width = values_of(r),
                                 .classes = r->largest_label + 1,
                                 .floats = r->values,
                                 .labels = r->labels};
    if (r->label == NO_LABEL) {
        lopi_free(made.labels);
        made.labels = NULL;
        made.samples.labels = NULL;
        made.samples.classes = 0;
    }
    *part = made;
    return LOP_OK;
}

lop_status lopi_csv_read(lopi_part *part, bool *all_bytes, const char *path,
                         const char *label_column, size_t limit, lop_error *error)
{
    lopi_bytes text = {0};
    lop_status status = lopi_source_load(&text, path, limit, error);
    if (status != LOP_OK)
        return status;
    reader r = {.path = path, .limit = limit, .error = error};
    status = parse(&r, &text, label_column, part);
    if (status == LOP_OK)
        *all_bytes = r.all_bytes;
    lopi_free(text.data);
    return status;
}

lop_status lopi_csv_parse_inputs(lopi_part *part, bool *all_bytes, const char *path,
                                 const lopi_bytes *text, size_t features, lop_error *error)
{
    reader r = {.path = path, .features = features, .limit = LOP_MAX_DATA_BYTES, .error = error};
    lop_status status = parse(&r, text, NULL, part);
    if (status == LOP_OK)
        *all_bytes = r.all_bytes;
    return status;
}
