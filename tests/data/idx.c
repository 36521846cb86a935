#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "data/idx.h"
#include "files.h"
#include "place.h"

/* Five images of 3 by 4 and their labels: what the damaged files below are made from. */
enum { COUNT = 5, HEIGHT = 3, WIDTH = 4, VALUES = COUNT * HEIGHT * WIDTH };
static const uint32_t image_shape[] = {COUNT, HEIGHT, WIDTH};
static const uint32_t label_shape[] = {COUNT};
static const uint8_t label_values[] = {0, 2, 1, 2, 0};

static lopi_bytes make_images(void)
{
    uint8_t values[VALUES];
    for (size_t i = 0; i < VALUES; i++)
        values[i] = (uint8_t)(37 * i);
    return files_idx(image_shape, 3, values, VALUES);
}

static const char *write_labels(void)
{
    lopi_bytes labels = files_idx(label_shape, 1, label_values, COUNT);
    const char *path = files_write("labels", labels.data, labels.size);
    lopi_free(labels.data);
    return path;
}

/* Read `images` with good labels; the part is freed. */
static lop_status read_images(const void *data, size_t size, lop_error *error)
{
    lopi_part part = {0};
    const char *labels = write_labels(), *images = files_write("images", data, size);
    lop_status status = lopi_idx_read(&part, images, labels, LOP_MAX_DATA_BYTES, error);
    if (status != LOP_OK)
        assert_null(part.values);
    lopi_part_free(&part);
    return status;
}

static void assert_is_made(const lopi_part *part)
{
    assert_int_equal(part->samples.count, COUNT);
    assert_int_equal(part->samples.features, HEIGHT * WIDTH);
    assert_int_equal(part->samples.height, HEIGHT);
    assert_int_equal(part->samples.width, WIDTH);
    assert_int_equal(part->samples.classes, 3);
    assert_null(part->samples.floats);
    for (size_t i = 0; i < VALUES; i++)
        assert_int_equal(part->samples.bytes[i], (uint8_t)(37 * i));
    for (size_t i = 0; i < COUNT; i++)
        assert_int_equal(part->samples.labels[i], label_values[i]);
}

static void plain_and_gzip_are_read_alike(void **state)
{
    (void)state;
    lopi_bytes plain = make_images(), packed = files_gzip(plain.data, plain.size);
    lopi_part part = {0};
    const char *labels = write_labels();
    assert_int_equal(lopi_idx_read(&part, files_write("images", plain.data, plain.size), labels,
                                   LOP_MAX_DATA_BYTES, NULL),
                     LOP_OK);
    assert_is_made(&part);
    lopi_part_free(&part);
    assert_int_equal(lopi_idx_read(&part, files_write("images.gz", packed.data, packed.size),
                                   labels, LOP_MAX_DATA_BYTES, NULL),
                     LOP_OK);
    assert_is_made(&part);
    lopi_part_free(&part);
    lopi_free(plain.data);
    lopi_free(packed.data);
}

static void gzip_members_may_follow_each_other(void **state)
{
    (void)state;
    lopi_bytes plain = make_images();
    for (size_t cut = 0; cut <= plain.size; cut += 7) {
        lopi_bytes first = files_gzip(plain.data, cut), empty = files_gzip("", 0),
                   second = files_gzip(plain.data + cut, plain.size - cut);
        uint8_t both[1024];
        memcpy(both, first.data, first.size);
        memcpy(both + first.size, empty.data, empty.size);
        memcpy(both + first.size + empty.size, second.data, second.size);
        size_t size = first.size + empty.size + second.size;
        lopi_part part = {0};
        assert_int_equal(lopi_idx_read(&part, files_write("images.gz", both, size), write_labels(),
                                       LOP_MAX_DATA_BYTES, NULL),
                         LOP_OK);
        assert_is_made(&part);
        lopi_part_free(&part);
        lopi_free(first.data);
        lopi_free(empty.data);
        lopi_free(second.data);
    }
    lopi_free(plain.data);
}

static void images_may_be_flat_or_have_channels(void **state)
{
    (void)state;
    static const uint32_t shapes[][4] = {{COUNT, 12}, {COUNT, 2, 2, 3}};
    static const uint8_t dimensions[] = {2, 4};
    static const size_t heights[] = {1, 2}, widths[] = {12, 6};
    uint8_t values[VALUES] = {0};
    for (size_t i = 0; i < 2; i++) {
        lopi_bytes images = files_idx(shapes[i], dimensions[i], values, VALUES);
        lopi_part part = {0};
        assert_int_equal(lopi_idx_read(&part, files_write("images", images.data, images.size),
                                       write_labels(), LOP_MAX_DATA_BYTES, NULL),
                         LOP_OK);
        assert_int_equal(part.samples.features, 12);
        assert_int_equal(part.samples.height, heights[i]);
        assert_int_equal(part.samples.width, widths[i]);
        lopi_part_free(&part);
        lopi_free(images.data);
    }
}

/* Also under the sanitizers: no length reads beyond the block or leaks. */
static void every_shorter_file_is_refused(void **state)
{
    (void)state;
    lopi_bytes plain = make_images(), packed = files_gzip(plain.data, plain.size);
    for (size_t size = 0; size < plain.size; size++) {
        lop_error error = {0};
        assert_int_equal(read_images(plain.data, size, &error), LOP_E_TRUNCATED);
        assert_non_null(strstr(error.file, "/images"));
        assert_true(error.offset != LOP_NO_OFFSET);
    }
    for (size_t size = 0; size < packed.size; size++) {
        lop_error error = {0};
        lop_status status = read_images(packed.data, size, &error);
        assert_true(status == LOP_E_TRUNCATED || status == LOP_E_FORMAT);
    }
    lopi_free(plain.data);
    lopi_free(packed.data);
}

/* Whatever one byte says: refused, or read; never a crash. Values may change freely. */
static void every_changed_byte_is_survived(void **state)
{
    (void)state;
    static const uint8_t changes[] = {0x01, 0x80, 0xff};
    lopi_bytes plain = make_images(), packed = files_gzip(plain.data, plain.size);
    for (size_t i = 0; i < plain.size; i++)
        for (size_t j = 0; j < sizeof changes; j++) {
            plain.data[i] ^= changes[j];
            lop_status status = read_images(plain.data, plain.size, NULL);
            plain.data[i] ^= changes[j];
            /* The header has no byte that may change; the values have no other. */
            assert_int_equal(status == LOP_OK, i >= 16);
        }
    for (size_t i = 0; i < packed.size; i++)
        for (size_t j = 0; j < sizeof changes; j++) {
            packed.data[i] ^= changes[j];
            const char *path = files_write("images.gz", packed.data, packed.size);
            packed.data[i] ^= changes[j];
            /* Time, system and unused bits may change; what is read may not. */
            lopi_part part = {0};
            if (lopi_idx_read(&part, path, write_labels(), LOP_MAX_DATA_BYTES, NULL) == LOP_OK)
                assert_is_made(&part);
            lopi_part_free(&part);
        }
    lopi_free(plain.data);
    lopi_free(packed.data);
}

typedef struct damage {
    const char *what;
    uint32_t shape[4];
    uint8_t dimensions;
    size_t values;
    lop_status status;
    uint64_t offset;
    const char *text;
} damage;

static const damage damages[] = {
    {"one value too many", {5, 3, 4}, 3, 61, LOP_E_FORMAT, 76, "expected the end"},
    {"one value too few", {5, 3, 4}, 3, 59, LOP_E_TRUNCATED, 16, "expected 60 more bytes"},
    {"no images", {0, 3, 4}, 3, 0, LOP_E_FORMAT, 4, "at least one sample"},
    {"no width", {5, 3, 0}, 3, 0, LOP_E_FORMAT, 12, "at least one value"},
    {"labels", {5}, 1, 5, LOP_E_FORMAT, 3, "exchanged"},
    {"other count", {6, 3, 4}, 3, 72, LOP_E_FORMAT, 4, "expected 6 labels"},
    {"too many", {0x01000001, 1, 1}, 3, 0, LOP_E_LIMIT, 4, "16777216"},
    {"too wide", {1, 0x00100001}, 2, 0, LOP_E_LIMIT, 8, "1048576"},
    {"overflowing", {1, 0xffffffff, 0xffffffff, 0xffffffff}, 4, 0, LOP_E_LIMIT, 8, "1048576"},
    {"too large", {0x01000000, 0x400, 0x400}, 3, 0, LOP_E_LIMIT, 4, "4294967296"},
    /* No memory may be asked for what the file cannot hold: 4 GiB here. */
    {"a lie", {0x1000, 0x400, 0x400}, 3, 9, LOP_E_TRUNCATED, 16, "found 9"},
};

static void a_wrong_header_says_what_is_wrong(void **state)
{
    (void)state;
    static const uint8_t zeros[128];
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        const damage *d = &damages[i];
        lopi_bytes file = files_idx(d->shape, d->dimensions, zeros, d->values);
        lop_error error = {0};
        lop_status status = read_images(file.data, file.size, &error);
        if (status != d->status || error.offset != d->offset || !strstr(error.text, d->text))
            fail_msg("%s: %s at %llu: %s", d->what, lop_status_name(status),
                     (unsigned long long)error.offset, error.text);
        lopi_free(file.data);
    }
}

static void what_is_no_idx_is_named(void **state)
{
    (void)state;
    lop_error error = {0};
    assert_int_equal(read_images("\x89PNG\r\n\x1a\n", 8, &error), LOP_E_FORMAT);
    assert_int_equal(error.offset, 0);
    assert_non_null(strstr(error.text, "00 00 08 03"));
    assert_non_null(strstr(error.text, "89 50 4e 47"));
    assert_int_equal(read_images("\0\0\x0d\3", 4, &error), LOP_E_FORMAT);
    assert_int_equal(error.offset, 2);
    lopi_part part = {0};
    const char *labels = write_labels();
    assert_int_equal(
        lopi_idx_read(&part, files_path("missing"), labels, LOP_MAX_DATA_BYTES, &error),
        LOP_E_NOT_FOUND);
    assert_int_equal(lopi_idx_read(&part, files_path(""), labels, LOP_MAX_DATA_BYTES, &error),
                     LOP_E_IO);
    assert_non_null(strstr(error.text, "directory"));
}

/* A small file that says little and holds much must not be expanded beyond what it says. */
static void a_bomb_does_not_go_off(void **state)
{
    (void)state;
    size_t size = 64u << 20;
    uint8_t *zeros = lopi_alloc(size, 1);
    lopi_bytes head = make_images();
    memcpy(zeros, head.data, head.size);
    lopi_bytes packed = files_gzip(zeros, size);
    lop_error error = {0};
    assert_true(packed.size < 100000);
    assert_int_equal(read_images(packed.data, packed.size, &error), LOP_E_FORMAT);
    assert_int_equal(error.offset, 76);
    assert_non_null(strstr(error.text, "more bytes"));
    lopi_free(packed.data);
    lopi_free(head.data);
    /* And one that says much cannot make us ask for it: 4 GiB from fifty bytes. */
    const uint32_t shape[] = {0x1000, 0x400, 0x400};
    head = files_idx(shape, 3, NULL, 0);
    packed = files_gzip(head.data, head.size);
    assert_int_equal(read_images(packed.data, packed.size, &error), LOP_E_LIMIT);
    assert_non_null(strstr(error.text, "decompress"));
    lopi_free(packed.data);
    lopi_free(head.data);
    lopi_free(zeros);
}

static void bytes_behind_gzip_are_refused(void **state)
{
    (void)state;
    lopi_bytes plain = make_images(), packed = files_gzip(plain.data, plain.size);
    uint8_t longer[1024];
    memcpy(longer, packed.data, packed.size);
    memcpy(longer + packed.size, "rubbish", 7);
    lop_error error = {0};
    assert_int_equal(read_images(longer, packed.size + 7, &error), LOP_E_FORMAT);
    assert_int_equal(error.offset, packed.size);
    assert_non_null(strstr(error.text, "7 bytes behind"));
    lopi_free(plain.data);
    lopi_free(packed.data);
}

/* The real files, read by lop and by numpy: sums over values weighted by place, and labels. */
static void numpy_reads_the_same(void **state)
{
    (void)state;
    char *directory = NULL;
    const lop_data_options place = {.cache_dir = place_of_data()};
    if (!lop_data_present("mnist", &place) ||
        lop_data_directory("mnist", &place, &directory, NULL) != LOP_OK ||
        system("/usr/bin/python3 -c 'import numpy' 2>/dev/null") != 0) {
        print_message("skipped: mnist is not in the cache, or numpy is not installed\n");
        skip();
    }
    lop_dataset *set = NULL;
    assert_int_equal(lop_dataset_open(&set, "mnist", &place, NULL), LOP_OK);
    const lop_samples *part = lop_dataset_test(set);
    unsigned long long sum = 0, labels = 0;
    for (size_t i = 0; i < part->count * part->features; i++)
        sum += part->bytes[i] * (i % 65521);
    for (size_t i = 0; i < part->count; i++)
        labels += part->labels[i] * i;
    char command[1024], found[64] = "", expected[64];
    snprintf(expected, sizeof expected, "%llu %llu", sum, labels);
    snprintf(command, sizeof command,
             "/usr/bin/python3 -c \"import numpy as n; d='%s/t10k-'; "
             "x=n.fromfile(d+'images-idx3-ubyte','u1')[16:]; "
             "y=n.fromfile(d+'labels-idx1-ubyte','u1')[8:]; "
             "w=n.arange(len(x),dtype='u8')%%65521; w*=x; "
             "print(w.sum(), (y*n.arange(len(y),dtype='u8')).sum(), end='')\"",
             directory);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    assert_non_null(fgets(found, sizeof found, pipe));
    assert_int_equal(pclose(pipe), 0);
    assert_string_equal(found, expected);
    lop_dataset_free(set);
    free(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_and_gzip_are_read_alike),
        cmocka_unit_test(gzip_members_may_follow_each_other),
        cmocka_unit_test(images_may_be_flat_or_have_channels),
        cmocka_unit_test(every_shorter_file_is_refused),
        cmocka_unit_test(every_changed_byte_is_survived),
        cmocka_unit_test(a_wrong_header_says_what_is_wrong),
        cmocka_unit_test(what_is_no_idx_is_named),
        cmocka_unit_test(a_bomb_does_not_go_off),
        cmocka_unit_test(bytes_behind_gzip_are_refused),
        cmocka_unit_test(numpy_reads_the_same),
    };
    return cmocka_run_group_tests(tests, files_begin, files_end);
}
