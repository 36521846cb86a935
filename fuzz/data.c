/* IDX, gzip, CSV and NPY. */
#include "reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lop/data.h>

#include <zlib.h>

#include "base/memory.h"
#include "data/csv.h"
#include "data/idx.h"
#include "data/npy.h"
#include "data/part.h"
#include "data/source.h"

/* Bytes that grow. */
typedef struct buffer {
    uint8_t *data;
    size_t size, room;
} buffer;

static void put(buffer *b, const void *data, size_t size)
{
    if (b->room - b->size < size) {
        b->room = 2 * (b->size + size);
        b->data = realloc(b->data, b->room);
        fuzz_expect(b->data != NULL, "memory for the check");
    }
    if (size > 0)
        memcpy(b->data + b->size, data, size);
    b->size += size;
}

static void put_text(buffer *b, const char *text) { put(b, text, strlen(text)); }

static bool same_samples(const lop_samples *a, const lop_samples *b)
{
    size_t count = a->count * a->features;
    return a->count == b->count && a->features == b->features && a->classes == b->classes &&
           !a->bytes == !b->bytes && !a->floats == !b->floats && !a->labels == !b->labels &&
           (!a->bytes || memcmp(a->bytes, b->bytes, count) == 0) &&
           (!a->floats || memcmp(a->floats, b->floats, count * sizeof(float)) == 0) &&
           (!a->labels || memcmp(a->labels, b->labels, a->count * sizeof *a->labels) == 0);
}

/* Gzip ------------------------------------------------------------------------------------------
 */

static void compress_bytes(buffer *to, const void *data, size_t size, int level)
{
    z_stream stream = {.next_in = NULL};
    fuzz_expect(deflateInit2(&stream, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK,
                "a compressor");
    uint8_t part[4096];
    stream.next_in = (uint8_t *)(uintptr_t)data; /* zlib does not write to it */
    stream.avail_in = (uInt)size;
    int result;
    do {
        stream.next_out = part;
        stream.avail_out = sizeof part;
        result = deflate(&stream, Z_FINISH);
        put(to, part, sizeof part - stream.avail_out);
    } while (result == Z_OK);
    deflateEnd(&stream);
}

/* The same content in pieces of odd sizes. */
static lop_status read_in_pieces(const char *path, const lopi_bytes *whole, lop_error *error)
{
    lopi_source source = {0};
    uint8_t piece[37];
    size_t count = 1, done = 0;
    lop_status status = lopi_source_open(&source, path, LOP_MAX_DATA_BYTES, error);
    if (status != LOP_OK)
        return status;
    for (size_t size = 1; status == LOP_OK && count > 0; size = size % sizeof piece + 1) {
        status = lopi_source_read(&source, piece, size, &count, error);
        if (status != LOP_OK || count == 0)
            continue;
        fuzz_expect(!whole || (count <= whole->size - done &&
                               memcmp(piece, whole->data + done, count) == 0),
                    "content in pieces is another than in one");
        done += count;
    }
    fuzz_expect(!whole || status != LOP_OK || done == whole->size, "pieces end elsewhere");
    lopi_source_close(&source);
    return status;
}

static lop_status read_gzip(const char *path, const lopi_bytes *content, lop_error *error)
{
    enum { LIMIT = 1 << 20 };
    lopi_bytes whole = {NULL, 0}, again = {NULL, 0};
    lop_error other = {0};
    lop_status status = lopi_source_load(&whole, path, LIMIT, error);
    if (status == LOP_E_LIMIT || !fuzz_thorough_one_in)
        goto out;
    lop_status pieces = read_in_pieces(path, status == LOP_OK ? &whole : NULL, &other);
    fuzz_expect(pieces == status, "in pieces there is another status");
    if (status != LOP_OK || !fuzz_thorough(content))
        goto out;
    buffer b = {NULL, 0, 0};
    compress_bytes(&b, whole.data, whole.size, content->size % 10 == 0 ? 9 : 1);
    fuzz_expect_ok(lopi_source_load(&again, fuzz_file(b.data, b.size), LIMIT, &other), &other,
                   "what zlib compressed cannot be read");
    fuzz_expect(again.size == whole.size && memcmp(again.data, whole.data, whole.size) == 0,
                "gzip does not come back");
    free(b.data);
out:
    lopi_free(again.data);
    lopi_free(whole.data);
    return status;
}

/* The trailer of a file of one member that can be decompressed. */
static size_t repair_gzip(uint8_t *data, size_t size, size_t room)
{
    z_stream stream = {.next_in = NULL};
    uint8_t out[4096];
    if (size < 19 || data[0] != 0x1f || data[1] != 0x8b || data[3] != 0 ||
        inflateInit2(&stream, -15) != Z_OK)
        return size;
    (void)room;
    uLong sum = crc32(0, NULL, 0);
    uint32_t length = 0;
    int result;
    stream.next_in = data + 10;
    stream.avail_in = (uInt)(size - 10);
    do {
        stream.next_out = out;
        stream.avail_out = sizeof out;
        result = inflate(&stream, Z_NO_FLUSH);
        sum = crc32(sum, out, (uInt)(sizeof out - stream.avail_out));
        length += (uint32_t)(sizeof out - stream.avail_out);
    } while (result == Z_OK && length < 1 << 20);
    if (result == Z_STREAM_END && stream.avail_in >= 8)
        for (size_t i = 0; i < 4; i++) {
            stream.next_in[i] = (uint8_t)(sum >> (8 * i));
            stream.next_in[4 + i] = (uint8_t)(length >> (8 * i));
        }
    inflateEnd(&stream);
    return size;
}

static const uint8_t images[] = {0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0,   2,   0,   0,
                                 0, 2, 0, 1, 2, 3, 4, 5, 6, 7, 250, 251, 252, 253};
static const uint8_t labels[] = {0, 0, 8, 1, 0, 0, 0, 3, 0, 1, 2};

static void seed_gzip(const char *directory)
{
    static const int levels[] = {0, 1, 9};
    char name[32], text[600];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)('0' + i * i % 7);
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        buffer b = {NULL, 0, 0};
        compress_bytes(&b, images, sizeof images, levels[i]);
        snprintf(name, sizeof name, "images-%d.gz", levels[i]);
        fuzz_seed(directory, name, b.data, b.size);
        compress_bytes(&b, text, sizeof text, levels[i]); /* a second member */
        snprintf(name, sizeof name, "members-%d.gz", levels[i]);
        fuzz_seed(directory, name, b.data, b.size);
        free(b.data);
    }
}

const fuzz_reader fuzz_gzip = {"gzip",   "gzip, as data sets come", 600, read_gzip, repair_gzip,
                               seed_gzip};

/* IDX -------------------------------------------------------------------------------------------
 */

static void put_u32(buffer *b, size_t value)
{
    const uint8_t bytes[] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
                             (uint8_t)value};
    put(b, bytes, sizeof bytes);
}

static void put_idx(buffer *b, const lop_samples *samples)
{
    size_t channels = samples->features / (samples->height * samples->width);
    put(b, (const uint8_t[]){0, 0, 8, channels > 1 ? 4 : 3}, 4);
    put_u32(b, samples->count);
    put_u32(b, samples->height);
    put_u32(b, samples->width);
    if (channels > 1)
        put_u32(b, channels);
    put(b, samples->bytes, samples->count * samples->features);
}

/* As labels of images that there are as many of. */
static lop_status read_labels(const char *path, lop_error *error)
{
    static char name[96];
    lopi_part part = {0};
    if (!name[0]) {
        snprintf(name, sizeof name, "%s.idx", fuzz_output());
        fuzz_expect(lopi_file_write(name, images, sizeof images, true, NULL) == LOP_OK, name);
    }
    lop_status status = lopi_idx_read(&part, name, path, LOP_MAX_DATA_BYTES, error);
    for (size_t i = 0; status == LOP_OK && i < part.samples.count; i++)
        fuzz_expect(part.samples.labels[i] < part.samples.classes, "a label that is no class");
    lopi_part_free(&part);
    return status;
}

static lop_status read_idx(const char *path, const lopi_bytes *content, lop_error *error)
{
    lopi_source source = {0};
    lopi_part part = {0}, again = {0};
    buffer b = {NULL, 0, 0};
    lop_error other = {0};
    if (content->size > 3 && content->data[3] == 1)
        return read_labels(path, error);
    lop_status status = lopi_source_open(&source, path, LOP_MAX_DATA_BYTES, error);
    if (status == LOP_OK)
        status = lopi_idx_read_images(&part, &source, error);
    lopi_source_close(&source);
    if (status == LOP_OK && fuzz_thorough(content)) {
        lop_inputs *inputs = NULL;
        fuzz_expect_ok(
            lop_inputs_read(&inputs, path, part.samples.features, LOP_INPUT_FLOATS, &other), &other,
            "images are no inputs");
        lop_inputs_free(inputs);
        put_idx(&b, &part.samples);
        fuzz_expect_ok(
            lopi_source_open(&source, fuzz_file(b.data, b.size), LOP_MAX_DATA_BYTES, &other),
            &other, "open");
        fuzz_expect_ok(lopi_idx_read_images(&again, &source, &other), &other, "IDX, written again");
        fuzz_expect(same_samples(&part.samples, &again.samples), "IDX does not come back");
        lopi_source_close(&source);
    }
    free(b.data);
    lopi_part_free(&part);
    lopi_part_free(&again);
    return status;
}

static void seed_idx(const char *directory)
{
    static const uint8_t flat[] = {0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 9, 8, 7, 6, 5, 4};
    static const uint8_t deep[] = {0, 0, 8, 4, 0, 0, 0, 1, 0, 0, 0, 2,
                                   0, 0, 0, 1, 0, 0, 0, 2, 1, 2, 3, 4};
    fuzz_seed(directory, "images", images, sizeof images);
    fuzz_seed(directory, "labels", labels, sizeof labels);
    fuzz_seed(directory, "flat", flat, sizeof flat);
    fuzz_seed(directory, "deep", deep, sizeof deep);
}

const fuzz_reader fuzz_idx = {"idx", "IDX images and labels", 128, read_idx, NULL, seed_idx};

/* CSV -------------------------------------------------------------------------------------------
 */

static void put_csv(buffer *b, const lop_samples *samples)
{
    char text[64];
    for (size_t i = 0; i < samples->count; i++) {
        snprintf(text, sizeof text, "%d", samples->labels[i]);
        put_text(b, text);
        for (size_t j = 0; j < samples->features; j++) {
            snprintf(text, sizeof text, ",%.9g",
                     (double)samples->floats[i * samples->features + j]);
            put_text(b, text);
        }
        put_text(b, "\n");
    }
}

static lop_status read_csv(const char *path, const lopi_bytes *content, lop_error *error)
{
    lopi_part part = {0}, again = {0}, inputs = {0};
    buffer b = {NULL, 0, 0};
    bool bytes = false, other_bytes = false;
    lop_error other = {0};
    lop_status status = lopi_csv_read(&part, &bytes, path, NULL, LOP_MAX_DATA_BYTES, error);
    /* The same text as inputs: of three values, with or without a label. */
    if (fuzz_thorough_one_in &&
        lopi_csv_parse_inputs(&inputs, &other_bytes, path, content, 3, &other) == LOP_OK)
        fuzz_expect(inputs.samples.labels || inputs.samples.features == 3, "a label was a value");
    if (status == LOP_OK && fuzz_thorough(content)) {
        put_csv(&b, &part.samples);
        fuzz_expect_ok(lopi_csv_read(&again, &other_bytes, fuzz_file(b.data, b.size), NULL,
                                     LOP_MAX_DATA_BYTES, &other),
                       &other, "CSV, written again");
        fuzz_expect(same_samples(&part.samples, &again.samples) && bytes == other_bytes,
                    "CSV does not come back");
        fuzz_expect(!bytes || lopi_part_to_bytes(&again, &other) != LOP_E_RANGE,
                    "whole numbers that are no bytes");
    }
    free(b.data);
    lopi_part_free(&part);
    lopi_part_free(&again);
    lopi_part_free(&inputs);
    return status;
}

static void seed_csv(const char *directory)
{
    static const struct {
        const char *name, *text;
    } seeds[] = {
        {"plain", "1,2,3\n0,5,6\n"},
        {"header", "a,label,\"b \"\"c\"\"\"\r\n1.5,1,-2e-3\r\n.25,0,1E5\r\n"},
        {"inputs", "1,2,3\n"},
        {"quoted", "\"1\",\"2\"\n\n\"0\", 3\n"},
        {"mark", "\xef\xbb\xbflabel,x\n65535,0.1\n"},
    };
    for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++)
        fuzz_seed(directory, seeds[i].name, seeds[i].text, strlen(seeds[i].text));
}

const fuzz_reader fuzz_csv = {"csv", "CSV with labels, and without", 128, read_csv, NULL, seed_csv};

/* NPY -------------------------------------------------------------------------------------------
 */

enum { NPY_FEATURES = 4 };

static void put_npy(buffer *b, const char *type, const char *shape, const void *data, size_t size)
{
    char text[128];
    int length = snprintf(text, sizeof text,
                          "{'descr': '%s', 'fortran_order': False, 'shape': %s, }\n", type, shape);
    put(b, "\x93NUMPY\x01\x00", 8);
    put(b, (const uint8_t[]){(uint8_t)length, 0}, 2);
    put(b, text, (size_t)length);
    put(b, data, size);
}

static lop_status read_npy(const char *path, const lopi_bytes *content, lop_error *error)
{
    lopi_part part = {0}, again = {0};
    buffer b = {NULL, 0, 0};
    lop_error other = {0};
    lop_inputs *inputs = NULL;
    if (!content->data) /* no file that can be read */
        return lop_inputs_read(&inputs, path, NPY_FEATURES, LOP_INPUT_AUTO, error);
    lop_status status = lopi_npy_parse(&part, path, content, NPY_FEATURES, error);
    if (status == LOP_OK && fuzz_thorough(content)) {
        char shape[32];
        size_t size = part.samples.count * NPY_FEATURES;
        snprintf(shape, sizeof shape, "(%zu, %d)", part.samples.count, NPY_FEATURES);
        put_npy(&b, part.samples.bytes ? "|u1" : "<f4", shape, part.values,
                size * (part.samples.bytes ? 1 : sizeof(float)));
        const lopi_bytes written = {b.data, b.size};
        fuzz_expect_ok(lopi_npy_parse(&again, path, &written, NPY_FEATURES, &other), &other,
                       "NPY, written again");
        fuzz_expect(same_samples(&part.samples, &again.samples), "NPY does not come back");
        lop_status as_bytes = lop_inputs_read(&inputs, fuzz_file(b.data, b.size), NPY_FEATURES,
                                              LOP_INPUT_BYTES, &other);
        fuzz_expect(as_bytes == LOP_OK || as_bytes == LOP_E_RANGE || as_bytes == LOP_E_MEMORY,
                    "NPY is no input");
    }
    lop_inputs_free(inputs);
    free(b.data);
    lopi_part_free(&part);
    lopi_part_free(&again);
    return status;
}

static void seed_npy(const char *directory)
{
    static const float floats[8] = {0.5f, -1, 2e-8f, 3e8f, 1, 2, 3, 4};
    static const double doubles[4] = {0.1, -1, 1e300, 3};
    static const struct {
        const char *name, *type, *shape;
        const void *data;
        size_t size;
    } seeds[] = {
        {"bytes", "|u1", "(3, 2, 2)", images + 16, 12},
        {"floats", "<f4", "(2, 4)", floats, sizeof floats},
        {"doubles", "<f8", "(4,)", doubles, sizeof doubles},
    };
    for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++) {
        buffer b = {NULL, 0, 0};
        put_npy(&b, seeds[i].type, seeds[i].shape, seeds[i].data, seeds[i].size);
        fuzz_seed(directory, seeds[i].name, b.data, b.size);
        free(b.data);
    }
}

const fuzz_reader fuzz_npy = {"npy", "NPY arrays of samples", 160, read_npy, NULL, seed_npy};
