#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <lop/data.h>

#include "base/memory.h"
#include "files.h"
#include "place.h"

/* Write an IDX pair, `count` images of 2 by 2 with labels that count round `classes`. */
static void write_pair(const char *images_name, const char *labels_name, uint32_t count,
                       uint8_t classes, bool gzip)
{
    const uint32_t shape[] = {count, 2, 2};
    uint8_t values[256], labels[64];
    for (size_t i = 0; i < count; i++) {
        memset(values + 4 * i, (int)i, 4);
        labels[i] = (uint8_t)(i % classes);
    }
    lopi_bytes files[2] = {files_idx(shape, 3, values, 4u * count),
                           files_idx(shape, 1, labels, count)};
    const char *const names[2] = {images_name, labels_name};
    for (size_t i = 0; i < 2; i++) {
        if (gzip) {
            lopi_bytes packed = files_gzip(files[i].data, files[i].size);
            lopi_free(files[i].data);
            files[i] = packed;
        }
        files_write(names[i], files[i].data, files[i].size);
        lopi_free(files[i].data);
    }
}

static void a_directory_of_idx_files_is_a_set(void **state)
{
    (void)state;
    mkdir(files_path("idx"), 0777);
    write_pair("idx/train-images.idx3-ubyte.gz", "idx/train-labels-idx1-ubyte.gz", 20, 4, true);
    write_pair("idx/t10k-images-idx3-ubyte", "idx/t10k-labels.idx1-ubyte", 10, 3, false);
    lop_dataset *set = NULL;
    assert_int_equal(lop_dataset_open(&set, files_path("idx/"), NULL, NULL), LOP_OK);
    assert_string_equal(lop_dataset_name(set), "idx");
    const lop_samples *train = lop_dataset_train(set), *test = lop_dataset_test(set);
    assert_int_equal(train->count, 20);
    assert_int_equal(test->count, 10);
    assert_int_equal(train->classes, 4);
    assert_int_equal(test->classes, 4); /* of the set, though the test part shows only 3 */
    assert_int_equal(train->height, 2);
    assert_int_equal(train->bytes[4 * 19], 19);
    lop_dataset_free(set);
}

/* What the error must say, with a directory in this state. */
static void assert_refused(const char *path, lop_status expected, const char *word)
{
    lop_dataset *set = NULL;
    lop_error error = {0};
    lop_status status = lop_dataset_open(&set, path, NULL, &error);
    if (status != expected || !strstr(error.text, word))
        fail_msg("%s: %s: %s", path, lop_status_name(status), error.text);
    assert_null(set);
}

static void what_is_missing_is_listed(void **state)
{
    (void)state;
    mkdir(files_path("part"), 0777);
    assert_refused(files_path("part"), LOP_E_NOT_FOUND, "found no such file");
    write_pair("part/train-images-idx3-ubyte", "part/train-labels-idx1-ubyte", 20, 4, false);
    assert_refused(files_path("part"), LOP_E_NOT_FOUND, "found no t10k-images-idx3-ubyte");
    mkdir(files_path("half"), 0777);
    files_write_text("half/train.csv", "1,2\n");
    assert_refused(files_path("half"), LOP_E_NOT_FOUND, "found no test.csv");
    assert_refused(files_path("none"), LOP_E_NOT_FOUND, "fashion-mnist, mnist");
    assert_refused("", LOP_E_NOT_FOUND, "fashion-mnist, mnist");
}

static void parts_must_be_alike(void **state)
{
    (void)state;
    mkdir(files_path("odd"), 0777);
    write_pair("odd/train-images-idx3-ubyte", "odd/train-labels-idx1-ubyte", 20, 4, false);
    write_pair("odd/t10k-images-idx3-ubyte", "odd/t10k-labels-idx1-ubyte", 10, 5, false);
    assert_refused(files_path("odd"), LOP_E_FORMAT, "expected test labels from 0 to 3");
    write_pair("odd/train-images-idx3-ubyte", "odd/train-labels-idx1-ubyte", 20, 1, false);
    write_pair("odd/t10k-images-idx3-ubyte", "odd/t10k-labels-idx1-ubyte", 10, 1, false);
    assert_refused(files_path("odd"), LOP_E_FORMAT, "two classes");
    const uint32_t shape[] = {10, 1, 4};
    uint8_t values[40] = {0};
    lopi_bytes images = files_idx(shape, 3, values, 40);
    files_write("odd/t10k-images-idx3-ubyte", images.data, images.size);
    lopi_free(images.data);
    assert_refused(files_path("odd"), LOP_E_FORMAT, "2 by 2");
    unlink(files_path("odd/t10k-images-idx3-ubyte"));
    mkdir(files_path("odd/t10k-images-idx3-ubyte"), 0777);
    assert_refused(files_path("odd"), LOP_E_IO, "directory");
}

static void csv_files_are_sets(void **state)
{
    (void)state;
    mkdir(files_path("csv"), 0777);
    files_write_text("csv/train.csv", "label,a\n0,1\n1,255\n");
    files_write_text("csv/test.csv", "label,a\n1,2\n");
    lop_dataset *set = NULL;
    assert_int_equal(lop_dataset_open(&set, files_path("csv"), NULL, NULL), LOP_OK);
    assert_non_null(lop_dataset_train(set)->bytes);
    assert_non_null(lop_dataset_test(set)->bytes);
    assert_int_equal(lop_dataset_train(set)->bytes[1], 255);
    lop_dataset_free(set);
    /* One value that is no byte, in either part, and both are floats. */
    files_write_text("csv/test.csv", "label,a\n1,2.5\n");
    assert_int_equal(lop_dataset_open(&set, files_path("csv"), NULL, NULL), LOP_OK);
    assert_null(lop_dataset_train(set)->bytes);
    assert_true(lop_dataset_train(set)->floats[1] == 255.0f);
    assert_true(lop_dataset_test(set)->floats[0] == 2.5f);
    lop_dataset_free(set);

    const lop_data_options options = {.label_column = "kind"};
    files_write_text("one.csv", "a,kind\n1,0\n2,1\n3,0\n4,1\n5,0\n6,1\n7,0\n");
    assert_int_equal(lop_dataset_open(&set, files_path("one.csv"), &options, NULL), LOP_OK);
    assert_string_equal(lop_dataset_name(set), "one.csv");
    assert_int_equal(lop_dataset_train(set)->count, 6);
    assert_int_equal(lop_dataset_test(set)->count, 1);
    lop_dataset_free(set);
    lop_dataset_free(NULL);
}

/* The least that a set of 20 and 10 images, and its CSV of 7 lines, may be held to. */
static void bytes_are_bounded_as_told(void **state)
{
    (void)state;
    mkdir(files_path("bound"), 0777);
    write_pair("bound/train-images-idx3-ubyte", "bound/train-labels-idx1-ubyte", 20, 4, false);
    write_pair("bound/t10k-images-idx3-ubyte", "bound/t10k-labels-idx1-ubyte", 10, 3, false);
    files_write_text("bound.csv", "a,label\n1,0\n2,1\n3,0\n4,1\n5,0\n6,1\n7,0\n");
    mkdir(files_path("packed"), 0777);
    write_pair("packed/train-images-idx3-ubyte.gz", "packed/train-labels-idx1-ubyte.gz", 20, 4,
               true);
    write_pair("packed/t10k-images-idx3-ubyte.gz", "packed/t10k-labels-idx1-ubyte.gz", 10, 3, true);
    static const struct {
        const char *name;
        size_t
            least; /* a file of 16 + 20 · 4 bytes; 8 + 7 · 4 of text, and as much as floats; 80 */
    } sets[] = {{"bound", 96}, {"bound.csv", 36}, {"packed", 80}};
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        lop_dataset *set = NULL;
        lop_error error = {0};
        lop_data_options options = {.max_bytes = sets[i].least - 1};
        assert_int_equal(lop_dataset_open(&set, files_path(sets[i].name), &options, &error),
                         LOP_E_LIMIT);
        assert_non_null(strstr(error.text, "expected at most"));
        assert_null(set);
        options.max_bytes = sets[i].least;
        assert_int_equal(lop_dataset_open(&set, files_path(sets[i].name), &options, NULL), LOP_OK);
        lop_dataset_free(set);
        set = NULL;
        options.max_bytes = SIZE_MAX; /* more than the default, and no sum runs over */
        assert_int_equal(lop_dataset_open(&set, files_path(sets[i].name), &options, NULL), LOP_OK);
        lop_dataset_free(set);
    }
    /* Text within, and its values beyond: 12 bytes of floats come of each of these lines of 6. */
    files_write_text("wide.csv", "l,,,\n0,1,2,3\n1,1,2,3\n0,1,2,3\n1,1,2,3\n0,1,2,3\n1,1,2,3\n");
    lop_dataset *set = NULL;
    lop_error error = {0};
    const lop_data_options options = {.label_column = "l", .max_bytes = 60};
    assert_int_equal(lop_dataset_open(&set, files_path("wide.csv"), &options, &error), LOP_E_LIMIT);
    assert_non_null(strstr(error.text, "bytes of values"));
    assert_int_equal(error.line, 7);
}

static void a_known_set_must_be_what_it_is(void **state)
{
    (void)state;
    const lop_data_options options = {.cache_dir = files_path("cache"), .offline = true};
    lop_dataset *set = NULL;
    lop_error error = {0};
    assert_int_equal(lop_dataset_open(&set, "mnist", &options, &error), LOP_E_NOT_FOUND);
    assert_non_null(strstr(error.text, "offline"));
    /* Files of the right sizes with nothing in them: present, but no IDX. */
    static const char *const names[] = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte",
                                        "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"};
    static const long sizes[] = {47040016, 60008, 7840016, 10008};
    for (size_t i = 0; i < 4; i++) {
        char name[64];
        snprintf(name, sizeof name, "cache/mnist/%s", names[i]);
        assert_int_equal(truncate(files_write(name, "", 0), sizes[i]), 0);
    }
    assert_true(lop_data_present("mnist", &options));
    assert_int_equal(lop_data_verify("mnist", &options, &error), LOP_E_CHECKSUM);
    assert_int_equal(lop_dataset_open(&set, "mnist", &options, &error), LOP_E_FORMAT);
    assert_null(set);
}

static void the_real_sets_open_quickly(void **state)
{
    (void)state;
    const lop_data_options place = {.cache_dir = place_of_data()};
    const lop_data_entry *entry;
    size_t opened = 0;
    for (size_t i = 0; (entry = lop_data_entry_at(i)); i++) {
        if (!lop_data_present(entry->name, &place))
            continue;
        lop_dataset *set = NULL;
        assert_int_equal(lop_data_verify(entry->name, &place, NULL), LOP_OK);
        assert_int_equal(lop_dataset_open(&set, entry->name, &place, NULL), LOP_OK);
        assert_int_equal(lop_dataset_train(set)->count, entry->train_count);
        assert_int_equal(lop_dataset_test(set)->count, entry->test_count);
        assert_int_equal(lop_dataset_train(set)->classes, entry->classes);
        lop_dataset_free(set);
        opened++;
    }
    if (opened == 0) {
        print_message("skipped: no data set is in the cache\n");
        skip();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_directory_of_idx_files_is_a_set),
        cmocka_unit_test(what_is_missing_is_listed),
        cmocka_unit_test(parts_must_be_alike),
        cmocka_unit_test(csv_files_are_sets),
        cmocka_unit_test(bytes_are_bounded_as_told),
        cmocka_unit_test(a_known_set_must_be_what_it_is),
        cmocka_unit_test(the_real_sets_open_quickly),
    };
    return cmocka_run_group_tests(tests, files_begin, files_end);
}
