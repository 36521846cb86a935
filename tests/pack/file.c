/*
 * The packed file: what is written is read back, canonically; and whatever is done to its bytes, a
 * reader refuses them or has a sound network.
 *
 * file WRITE-DIRECTORY writes the golden files anew, for a new version of the format.
 */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "networks.h"
#include "pack/write.h"
#include "run/container.h"
#include "run/model.h"

/* A golden file of each kind of values, and of all together. */
static const struct golden {
    const char *name;
    lop_pack_values values[3];
} goldens[] = {
    {"v1-float32.lop", {{LOP_VALUES_FLOAT32, 0}, {LOP_VALUES_FLOAT32, 0}, {LOP_VALUES_FLOAT32, 0}}},
    {"v1-float16.lop", {{LOP_VALUES_FLOAT16, 0}, {LOP_VALUES_FLOAT16, 0}, {LOP_VALUES_FLOAT16, 0}}},
    {"v1-int8.lop", {{LOP_VALUES_INT8, 0}, {LOP_VALUES_INT8, 0}, {LOP_VALUES_INT8, 0}}},
    {"v1-shared.lop", {{LOP_VALUES_SHARED, 8}, {LOP_VALUES_SHARED, 2}, {LOP_VALUES_SHARED, 100}}},
    {"v1-mixed.lop", {{LOP_VALUES_INT8, 0}, {LOP_VALUES_SHARED, 4}, {LOP_VALUES_FLOAT32, 0}}},
};
#define GOLDENS (sizeof goldens / sizeof *goldens)

typedef struct file {
    uint8_t *data;
    size_t size;
} file;

static file encoded(const lop_packed *packed)
{
    file f = {NULL, 0};
    assert_int_equal(lop_packed_encode(packed, &f.data, &f.size, NULL), LOP_OK);
    return f;
}

static file small_file(void)
{
    lop_packed *packed = test_packed(goldens[4].values);
    file f = encoded(packed);
    lop_packed_free(packed);
    return f;
}

/* The way of large networks, whose golden file is small all the same. */
#define GAPS "v1-gaps.lop"

static lop_packed *gaps_packed(void)
{
    lop_packed *packed = NULL;
    const size_t hidden = 12;
    lop_network *network = test_network(
        &(lop_mlp_spec){
            .inputs = 16, .hidden = &hidden, .hidden_count = 1, .outputs = 3, .seed = 4},
        0.2);
    lop_pack_options options = {.values = &(lop_pack_values){LOP_VALUES_SHARED, 4},
                                .value_count = 1};
    assert_int_equal(lop_pack(&packed, network, &options, NULL), LOP_OK);
    lop_network_free(network);
    return packed;
}

static file gaps_file(void)
{
    file f = {NULL, 0};
    lop_packed *packed = gaps_packed();
    assert_int_equal(lopi_packed_encode(packed, true, &f.data, &f.size, NULL), LOP_OK);
    lop_packed_free(packed);
    return f;
}

static void gaps_come_back(void **state)
{
    (void)state;
    char *path = lopi_path_join(PACK_GOLDEN, GAPS);
    lopi_bytes bytes = {NULL, 0};
    file f = gaps_file(), mixed = {NULL, 0};
    lop_packed *expected = gaps_packed(), *found = NULL;
    assert_int_equal(lopi_file_read(&bytes, path, 1 << 20, NULL), LOP_OK);
    assert_int_equal(bytes.size, f.size);
    assert_memory_equal(bytes.data, f.data, f.size);
    assert_int_equal(lop_packed_open(&found, f.data, f.size, 0, NULL), LOP_OK);
    assert_same_packed(expected, found);
    mixed = encoded(expected); /* it is another way indeed */
    assert_true(mixed.size != f.size || memcmp(mixed.data, f.data, f.size) != 0);
    lop_packed_free(expected);
    lop_packed_free(found);
    lopi_free(bytes.data);
    lopi_free(f.data);
    lopi_free(mixed.data);
    lopi_free(path);
}

/* The file that docs/format.md shows byte for byte. */
#define TINY "v1-tiny.lop"

static lop_packed *tiny_packed(void)
{
    lop_network *network = NULL;
    lop_mlp_spec spec = {.inputs = 3, .hidden = (size_t[]){2}, .hidden_count = 1, .outputs = 1};
    static const float weights[2][6] = {{0.5f, 0, -1, 0, 0.5f, 0}, {1, -2}};
    assert_int_equal(lop_network_new_mlp(&network, &spec, NULL), LOP_OK);
    for (size_t l = 0; l < 2; l++) {
        const lop_layer *layer = lop_network_layer(network, l);
        memcpy(layer->weight, weights[l], layer->outputs * layer->inputs * sizeof(float));
    }
    lop_packed *packed = NULL;
    lop_pack_options options = {.values = &(lop_pack_values){LOP_VALUES_SHARED, 4},
                                .value_count = 1};
    assert_int_equal(lop_pack(&packed, network, &options, NULL), LOP_OK);
    lop_network_free(network);
    return packed;
}

static void every_kind_comes_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < GOLDENS; i++) {
        lop_packed *packed = test_packed(goldens[i].values), *back = NULL;
        file first = encoded(packed);
        assert_int_equal(lop_packed_open(&back, first.data, first.size, 0, NULL), LOP_OK);
        assert_same_packed(packed, back);
        file second = encoded(back);
        assert_int_equal(first.size, second.size);
        assert_memory_equal(first.data, second.data, first.size);
        lop_packed_free(packed);
        lop_packed_free(back);
        lopi_free(first.data);
        lopi_free(second.data);
    }
}

/* Shapes in which blocks, grids and tables of the coder have their corners. */
static void odd_shapes_come_back(void **state)
{
    (void)state;
    static const struct {
        size_t inputs, hidden, outputs;
        double density;
        lop_pack_values values;
    } rows[] = {
        {1, 1, 1, 1, {LOP_VALUES_FLOAT32, 0}},
        {1, 1, 1, 0, {LOP_VALUES_SHARED, 2}},
        {7, 3, 2, 0, {LOP_VALUES_INT8, 0}},
        {64, 40, 10, 1, {LOP_VALUES_SHARED, 256}},
        {784, 50, 10, 0.02, {LOP_VALUES_SHARED, 16}},
        {784, 30, 10, 0.9, {LOP_VALUES_INT8, 0}},
        {3072, 20, 3, 0.01, {LOP_VALUES_SHARED, 5}},
        {1000, 300, 5, 0.001, {LOP_VALUES_FLOAT16, 0}},
        {33, 257, 9, 0.1, {LOP_VALUES_SHARED, 1}},
        {500, 100, 4, 0.2, {LOP_VALUES_SHARED, 200}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int sorted = 0; sorted < 2; sorted++) {
            lop_network *network = test_network(&(lop_mlp_spec){.inputs = rows[i].inputs,
                                                                .hidden = &rows[i].hidden,
                                                                .hidden_count = 1,
                                                                .outputs = rows[i].outputs,
                                                                .seed = i},
                                                rows[i].density);
            lop_pack_options options = {
                .values = &rows[i].values, .value_count = 1, .keep_order = !sorted};
            lop_packed *packed = NULL, *back = NULL;
            assert_int_equal(lop_pack(&packed, network, &options, NULL), LOP_OK);
            for (int gaps = 0; gaps < 2; gaps++) {
                file f = {NULL, 0};
                lop_error error = {0};
                assert_int_equal(lopi_packed_encode(packed, gaps, &f.data, &f.size, NULL), LOP_OK);
                if (lop_packed_open(&back, f.data, f.size, 0, &error) != LOP_OK)
                    fail_msg("row %zu: %s", i, error.text);
                assert_same_packed(packed, back);
                lop_packed_free(back);
                lopi_free(f.data);
            }
            lop_packed_free(packed);
            lop_network_free(network);
        }
}

static void golden_files_stay_readable(void **state)
{
    (void)state;
    for (size_t i = 0; i <= GOLDENS; i++) {
        char *path = lopi_path_join(PACK_GOLDEN, i < GOLDENS ? goldens[i].name : TINY);
        lopi_bytes bytes = {NULL, 0};
        assert_int_equal(lopi_file_read(&bytes, path, 1 << 20, NULL), LOP_OK);
        lop_packed *expected = i < GOLDENS ? test_packed(goldens[i].values) : tiny_packed();
        lop_packed *found = NULL;
        assert_int_equal(lop_packed_open_file(&found, path, 0, NULL), LOP_OK);
        assert_same_packed(expected, found);
        /* The writer of this version writes them too. */
        file again = encoded(found);
        assert_int_equal(again.size, bytes.size);
        assert_memory_equal(again.data, bytes.data, bytes.size);
        lop_packed_free(expected);
        lop_packed_free(found);
        lopi_free(again.data);
        lopi_free(bytes.data);
        lopi_free(path);
    }
}

/* Opens bytes of their exact size, so that a reader that goes beyond is caught. */
static lop_status opens(const uint8_t *data, size_t size, lop_error *error)
{
    uint8_t *copy = lopi_alloc(size, 1);
    assert_non_null(copy);
    memcpy(copy, data, size);
    lop_packed *packed = NULL;
    *error = (lop_error){0};
    lop_status status = lop_packed_open(&packed, copy, size, 0, error);
    if (status == LOP_OK)
        assert_int_equal(lopi_packed_check(packed, NULL), LOP_OK);
    else
        assert_true(packed == NULL && error->text[0] && error->code == status);
    lop_packed_free(packed);
    lopi_free(copy);
    return status;
}

static void every_truncation_is_refused(void **state)
{
    (void)state;
    file f = small_file();
    lop_error error;
    for (size_t size = 0; size < f.size; size++) {
        lop_status status = opens(f.data, size, &error);
        assert_int_equal(status, size < 8 ? LOP_E_FORMAT : LOP_E_TRUNCATED);
        assert_true(error.offset <= size);
    }
    assert_int_equal(opens(f.data, f.size, &error), LOP_OK);
    lopi_free(f.data);
}

static void every_changed_byte_is_found(void **state)
{
    (void)state;
    file f = small_file();
    lop_error error;
    for (size_t at = 0; at < f.size; at++)
        for (unsigned by = 1; by < 256; by++) {
            f.data[at] = (uint8_t)(f.data[at] ^ by);
            if (opens(f.data, f.size, &error) == LOP_OK)
                fail_msg("byte %zu changed by %02x was not found", at, by);
            assert_true(error.offset <= f.size);
            f.data[at] = (uint8_t)(f.data[at] ^ by);
        }
    lopi_free(f.data);
}

/* Where section `part` of a file of two stands, by its table. */
static size_t section_size(const file *f, int part)
{
    const uint8_t *entry = f->data + LOPI_HEADER_SIZE + part * LOPI_ENTRY_SIZE;
    return entry[1] | (size_t)entry[2] << 8;
}

static size_t section_offset(const file *f, int part)
{
    size_t offset = LOPI_HEADER_SIZE + LOPI_PARTS * LOPI_ENTRY_SIZE + 4;
    for (int i = 0; i < part; i++)
        offset += section_size(f, i);
    return offset;
}

static void put32(uint8_t *to, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(value >> (8 * i));
}

/* Make all checksums right again, as somebody would who means harm. */
static void mend(file *f)
{
    for (int part = 0; part < LOPI_PARTS; part++)
        put32(f->data + LOPI_HEADER_SIZE + part * LOPI_ENTRY_SIZE + 6,
              lopi_crc32c(f->data + section_offset(f, part), section_size(f, part)));
    size_t end = LOPI_HEADER_SIZE + LOPI_PARTS * LOPI_ENTRY_SIZE;
    put32(f->data + end, lopi_crc32c(f->data, end));
}

/* With the checksums mended a change may be read: then as a sound network. */
static void change_every_byte(file f)
{
    lop_error error;
    size_t begin = section_offset(&f, 0), sound = 0, refused = 0;
    for (size_t at = begin; at < f.size; at++)
        for (unsigned by = 1; by < 256; by += by < 16 ? 1 : 24) {
            f.data[at] = (uint8_t)(f.data[at] ^ by);
            mend(&f);
            lop_status status = opens(f.data, f.size, &error);
            *(status == LOP_OK ? &sound : &refused) += 1;
            if (status != LOP_OK && status != LOP_E_MEMORY)
                assert_true(error.offset >= begin && error.offset <= f.size);
            f.data[at] = (uint8_t)(f.data[at] ^ by);
        }
    /* Both happen: values may be any, and a graph may not. */
    assert_true(sound > 0 && refused > 0);
    lopi_free(f.data);
}

static void every_changed_byte_of_a_section_is_refused_or_sound(void **state)
{
    (void)state;
    change_every_byte(small_file());
    change_every_byte(gaps_file());
}

/* One change to the small file, and what the reader is to say to it. */
typedef struct harm {
    const char *what;
    int part;     /* −1: the header */
    size_t at;    /* in it */
    uint8_t byte; /* instead */
    lop_status status;
} harm;

static void hostile_headers_are_refused(void **state)
{
    (void)state;
    /* The graph of the small file: 04 00 10 | 01 00 units flags block grid left scale zero density
     * … */
    static const harm harms[] = {
        {"a later major version", -1, 8, 2, LOP_E_VERSION},
        {"no version", -1, 8, 0, LOP_E_VERSION},
        {"a later minor version", -1, 9, 7, LOP_OK},
        {"fewer sections", -1, 10, 1, LOP_E_CHECKSUM},
        {"too many sections", -1, 10, 65, LOP_E_LIMIT},
        {"a longer file", -1, 11, 255, LOP_E_TRUNCATED},
        {"a much longer file", -1, 15, 255, LOP_E_TRUNCATED},
        {"a section of 2^32 bytes", -1, 16 + 5, 1, LOP_E_TRUNCATED},
        {"an unknown critical section", -1, 16, 'A', LOP_E_VERSION},
        {"no nodes", 0, 0, 0, LOP_E_LIMIT},
        {"no layers", 0, 0, 1, LOP_E_LIMIT},
        {"more nodes than bytes", 0, 0, 127, LOP_E_LIMIT},
        {"more nodes than there are", 0, 0, 5, LOP_E_FORMAT},
        {"fewer nodes than there are", 0, 0, 3, LOP_E_FORMAT},
        {"no input in front", 0, 1, 1, LOP_E_FORMAT},
        {"an input of nothing", 0, 2, 0, LOP_E_FORMAT},
        {"a number that does not end", 0, 2, 0xff, LOP_E_FORMAT},
        {"an unknown operation", 0, 3, 9, LOP_E_FORMAT},
        {"a layer that reads itself", 0, 4, 1, LOP_E_FORMAT},
        {"a layer that reads a later one", 0, 4, 2, LOP_E_FORMAT},
        {"a layer of no units", 0, 5, 0, LOP_E_LIMIT},
        {"flags that nobody knows", 0, 6, 0xff, LOP_E_FORMAT},
        {"blocks of no known size", 0, 7, 7, LOP_E_FORMAT},
        {"gaps in a picture", 0, 7, 14, LOP_E_FORMAT},
        {"a picture of one column", 0, 8, 1, LOP_E_FORMAT},
        {"a picture wider than the input", 0, 8, 17, LOP_E_FORMAT},
        {"more weights than places", 0, 9, 97, LOP_E_FORMAT},
        {"fewer weights than there are", 0, 9, 1, LOP_E_FORMAT},
        {"a scale that is no number", 0, 11, 0xff, LOP_E_FORMAT},
        {"a zero point out of range", 0, 12, 128, LOP_E_FORMAT},
    };
    for (size_t i = 0; i < sizeof harms / sizeof *harms; i++) {
        file f = small_file();
        size_t at =
            harms[i].part < 0 ? harms[i].at : section_offset(&f, harms[i].part) + harms[i].at;
        f.data[at] = harms[i].byte;
        if (strcmp(harms[i].what, "a scale that is no number") == 0)
            f.data[at - 1] = 0xff;
        size_t end = LOPI_HEADER_SIZE + LOPI_PARTS * LOPI_ENTRY_SIZE;
        if (harms[i].status != LOP_E_CHECKSUM && !(harms[i].part < 0 && at > 16 && at < 22))
            mend(&f);
        else
            put32(f.data + end, lopi_crc32c(f.data, end));
        lop_error error;
        lop_status status = opens(f.data, f.size, &error);
        if (status != harms[i].status)
            fail_msg("%s: expected %s, found %s: %s", harms[i].what,
                     lop_status_name(harms[i].status), lop_status_name(status), error.text);
        if (status != LOP_OK)
            assert_true(error.offset <= f.size);
        lopi_free(f.data);
    }
}

/* A file with `extra` bytes of section `tag` behind the rest. */
static file with_section(char tag, size_t extra)
{
    file f = small_file(), out = {NULL, f.size + LOPI_ENTRY_SIZE + extra};
    size_t table = LOPI_HEADER_SIZE + LOPI_PARTS * LOPI_ENTRY_SIZE;
    out.data = lopi_alloc(out.size, 1);
    memcpy(out.data, f.data, table);
    memcpy(out.data + table + LOPI_ENTRY_SIZE + 4, f.data + table + 4, f.size - table - 4);
    out.data[10] = LOPI_PARTS + 1;
    out.data[11] = (uint8_t)out.size;
    out.data[12] = (uint8_t)(out.size >> 8);
    out.data[table] = (uint8_t)tag;
    out.data[table + 1] = (uint8_t)extra;
    put32(out.data + table + 6, lopi_crc32c(out.data + out.size - extra, extra));
    put32(out.data + table + LOPI_ENTRY_SIZE, lopi_crc32c(out.data, table + LOPI_ENTRY_SIZE));
    lopi_free(f.data);
    return out;
}

static void unknown_sections_are_skipped_where_they_may_be(void **state)
{
    (void)state;
    lop_error error;
    file f = with_section('n', 9);
    assert_int_equal(opens(f.data, f.size, &error), LOP_OK);
    lopi_free(f.data);
    f = with_section('Z', 9);
    assert_int_equal(opens(f.data, f.size, &error), LOP_E_VERSION);
    lopi_free(f.data);
    f = with_section('A', 9);
    assert_int_equal(opens(f.data, f.size, &error), LOP_E_FORMAT); /* out of order */
    lopi_free(f.data);
}

static void a_section_stands_there_once(void **state)
{
    (void)state;
    lop_error error;
    file f = small_file();
    f.data[LOPI_HEADER_SIZE + LOPI_ENTRY_SIZE] = (uint8_t)lopi_part_tags[0];
    mend(&f);
    assert_int_equal(opens(f.data, f.size, &error), LOP_E_FORMAT);
    assert_int_equal(error.offset, LOPI_HEADER_SIZE + LOPI_ENTRY_SIZE);
    lopi_free(f.data);
}

static void bytes_behind_the_end_are_refused(void **state)
{
    (void)state;
    lop_error error;
    file f = small_file();
    uint8_t *longer = lopi_alloc(f.size + 1, 1);
    memcpy(longer, f.data, f.size);
    assert_int_equal(opens(longer, f.size + 1, &error), LOP_E_FORMAT);
    assert_int_equal(error.offset, f.size);
    lopi_free(longer);
    lopi_free(f.data);
}

static void memory_is_asked_for_with_leave_alone(void **state)
{
    (void)state;
    lop_network *network = test_network(
        &(lop_mlp_spec){
            .inputs = 1 << 12, .hidden = (size_t[]){256}, .hidden_count = 1, .outputs = 2},
        1);
    /* All weights alike and all there: next to nothing in the file, 5 MiB and more in memory. */
    const lop_layer *layer = lop_network_layer(network, 0);
    for (size_t i = 0; i < layer->outputs * layer->inputs; i++)
        layer->weight[i] = 1;
    lop_packed *packed = NULL, *back = NULL;
    lop_pack_options options = {.values = &(lop_pack_values){LOP_VALUES_SHARED, 2},
                                .value_count = 1};
    assert_int_equal(lop_pack(&packed, network, &options, NULL), LOP_OK);
    file f = encoded(packed);
    assert_true(f.size < 3000);
    lop_error error;
    assert_int_equal(lop_packed_open(&back, f.data, f.size, 4u << 20, &error), LOP_E_LIMIT);
    assert_null(back);
    assert_int_equal(lop_packed_open(&back, f.data, f.size, 8u << 20, &error), LOP_OK);
    assert_same_packed(packed, back);
    lop_packed_free(back);
    lop_packed_free(packed);
    lop_network_free(network);
    lopi_free(f.data);
}

static void what_a_file_cannot_hold_is_not_written(void **state)
{
    (void)state;
    uint8_t *data = NULL;
    size_t size = 0;
    lop_packed *packed = test_packed(goldens[1].values);
    packed->layers[0].values[0] = 0.1f; /* no float of 16 bits */
    assert_int_equal(lop_packed_encode(packed, &data, &size, NULL), LOP_E_RANGE);
    lop_packed_free(packed);
    packed = test_packed(goldens[3].values);
    float swap = packed->layers[0].table[0];
    packed->layers[0].table[0] = packed->layers[0].table[1];
    packed->layers[0].table[1] = swap;
    assert_int_equal(lop_packed_encode(packed, &data, &size, NULL), LOP_E_FORMAT);
    lop_packed_free(packed);
    packed = test_packed(goldens[0].values);
    snprintf(packed->layers[1].name, LOP_RUN_MAX_NAME, "%s", packed->layers[0].name);
    assert_int_equal(lop_packed_encode(packed, &data, &size, NULL), LOP_E_FORMAT);
    snprintf(packed->layers[1].name, LOP_RUN_MAX_NAME, "\x1b[31m");
    assert_int_equal(lop_packed_encode(packed, &data, &size, NULL), LOP_E_FORMAT);
    lop_packed_free(packed);
    assert_null(data);
}

static int write_goldens(const char *directory)
{
    for (size_t i = 0; i <= GOLDENS; i++) {
        char *path = lopi_path_join(directory, i < GOLDENS ? goldens[i].name : TINY);
        lop_packed *packed = i < GOLDENS ? test_packed(goldens[i].values) : tiny_packed();
        lop_status status = lop_packed_save(packed, path, true, NULL);
        lop_packed_free(packed);
        lopi_free(path);
        if (status != LOP_OK)
            return 1;
    }
    char *path = lopi_path_join(directory, GAPS);
    file f = gaps_file();
    lop_status status = lopi_file_write(path, f.data, f.size, true, NULL);
    lopi_free(path);
    lopi_free(f.data);
    return status != LOP_OK;
}

int main(int count, char **arguments)
{
    if (count > 1)
        return write_goldens(arguments[1]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_comes_back),
        cmocka_unit_test(odd_shapes_come_back),
        cmocka_unit_test(gaps_come_back),
        cmocka_unit_test(golden_files_stay_readable),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(every_changed_byte_is_found),
        cmocka_unit_test(every_changed_byte_of_a_section_is_refused_or_sound),
        cmocka_unit_test(hostile_headers_are_refused),
        cmocka_unit_test(unknown_sections_are_skipped_where_they_may_be),
        cmocka_unit_test(a_section_stands_there_once),
        cmocka_unit_test(bytes_behind_the_end_are_refused),
        cmocka_unit_test(memory_is_asked_for_with_leave_alone),
        cmocka_unit_test(what_a_file_cannot_hold_is_not_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
