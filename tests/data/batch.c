#include "test.h"

#include <stdlib.h>
#include <string.h>

#include <lop/data.h>

/* A part with `count` samples of all 256 bytes each, turned by the sample's number. */
static lop_samples make_bytes(size_t count)
{
    uint8_t *bytes = malloc(count * 256);
    uint16_t *labels = malloc(count * sizeof *labels);
    for (size_t i = 0; i < count; i++) {
        labels[i] = (uint16_t)(7 * i);
        for (size_t j = 0; j < 256; j++)
            bytes[256 * i + j] = (uint8_t)(i + j);
    }
    return (lop_samples){.count = count,
                         .features = 256,
                         .height = 16,
                         .width = 16,
                         .classes = 65536,
                         .bytes = bytes,
                         .labels = labels};
}

static void free_samples(const lop_samples *samples)
{
    free((void *)samples->bytes);
    free((void *)samples->labels);
}

/* Exactly the division's result, not merely close: a sample's values have one definition. */
static void bytes_become_byte_over_255(void **state)
{
    (void)state;
    lop_samples samples = make_bytes(5);
    uint32_t indices[3] = {4, 0, 2};
    float x[3 * 256];
    uint16_t labels[3];
    lop_batch_gather(&samples, indices, 0, 3, x, labels);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(labels[i], 7 * indices[i]);
        for (size_t j = 0; j < 256; j++) {
            float expected = (float)(uint8_t)(indices[i] + j) / 255.0f;
            assert_memory_equal(&x[256 * i + j], &expected, sizeof expected);
        }
    }
    free_samples(&samples);
}

static void without_indices_samples_come_in_their_order(void **state)
{
    (void)state;
    lop_samples samples = make_bytes(5);
    uint32_t indices[2] = {3, 4};
    float x[2 * 256], y[2 * 256];
    lop_batch_gather(&samples, NULL, 3, 2, x, NULL);
    lop_batch_gather(&samples, indices, 0, 2, y, NULL);
    assert_memory_equal(x, y, sizeof x);
    free_samples(&samples);
}

static void floats_come_as_they_are(void **state)
{
    (void)state;
    const float values[6] = {-1.5f, 1e30f, 0.1f, 3.0f, -0.0f, 255.0f};
    const uint16_t given[2] = {1, 0};
    lop_samples samples = {.count = 2,
                           .features = 3,
                           .height = 1,
                           .width = 3,
                           .classes = 2,
                           .floats = values,
                           .labels = given};
    uint32_t indices[2] = {1, 0};
    float x[6];
    uint16_t labels[2];
    lop_batch_gather(&samples, indices, 0, 2, x, labels);
    assert_memory_equal(x, values + 3, 3 * sizeof *x);
    assert_memory_equal(x + 3, values, 3 * sizeof *x);
    assert_int_equal(labels[0], 0);
    assert_int_equal(labels[1], 1);
}

/* Each index below `count` once, over both lists, each list rising. */
static void assert_is_split(const lop_split *split, size_t count)
{
    assert_int_equal(split->train_count + split->validation_count, count);
    size_t t = 0, v = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (t < split->train_count && split->train[t] == i)
            t++;
        else if (v < split->validation_count && split->validation[v] == i)
            v++;
        else
            fail_msg("index %u is in neither list, or out of order", i);
    }
}

static void a_split_is_a_partition_by_seed(void **state)
{
    (void)state;
    lop_samples samples = {.count = 1200};
    lop_split one = {0}, again = {0}, other = {0};
    assert_int_equal(lop_split_default_count(&samples), 100);
    assert_int_equal(lop_split_new(&one, &samples, 100, 1, NULL), LOP_OK);
    assert_int_equal(lop_split_new(&again, &samples, 100, 1, NULL), LOP_OK);
    assert_int_equal(lop_split_new(&other, &samples, 100, 2, NULL), LOP_OK);
    assert_is_split(&one, 1200);
    assert_is_split(&other, 1200);
    assert_memory_equal(one.validation, again.validation, 100 * sizeof(uint32_t));
    assert_memory_not_equal(one.validation, other.validation, 100 * sizeof(uint32_t));
    lop_split_free(&one);
    lop_split_free(&again);
    lop_split_free(&other);
    lop_split_free(NULL);
}

static void a_split_needs_samples_on_both_sides(void **state)
{
    (void)state;
    lop_samples samples = {.count = 10};
    lop_split split = {0};
    lop_error error = {0};
    assert_int_equal(lop_split_new(&split, &samples, 0, 1, &error), LOP_E_RANGE);
    assert_int_equal(lop_split_new(&split, &samples, 10, 1, &error), LOP_E_RANGE);
    assert_non_null(strstr(error.text, "1 to 9"));
    assert_null(split.train);
    samples.count = 0;
    assert_int_equal(lop_split_new(&split, &samples, 1, 1, &error), LOP_E_RANGE);
    samples.count = 2;
    assert_int_equal(lop_split_new(&split, &samples, 1, 1, &error), LOP_OK);
    assert_is_split(&split, 2);
    lop_split_free(&split);
}

static int rising(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void an_order_is_a_permutation_by_seed_and_epoch(void **state)
{
    (void)state;
    enum { COUNT = 1000 };
    uint32_t indices[COUNT], one[COUNT], again[COUNT], next[COUNT], other[COUNT];
    for (uint32_t i = 0; i < COUNT; i++)
        indices[i] = 3 * i + 5;
    lop_batch_order(indices, COUNT, 1, 1, one);
    lop_batch_order(indices, COUNT, 1, 1, again);
    lop_batch_order(indices, COUNT, 1, 2, next);
    lop_batch_order(indices, COUNT, 2, 1, other);
    assert_memory_equal(one, again, sizeof one);
    assert_memory_not_equal(one, next, sizeof one);
    assert_memory_not_equal(one, other, sizeof one);
    assert_memory_not_equal(one, indices, sizeof one);
    qsort(one, COUNT, sizeof *one, rising);
    assert_memory_equal(one, indices, sizeof one);
}

/* Each image is the old one moved: checked pixel by pixel against all moves that are allowed. */
static bool is_moved(const float *x, const float *old, int down, int right)
{
    for (int row = 0; row < 16; row++)
        for (int column = 0; column < 16; column++) {
            int r = row - down, c = column - right;
            bool inside = r >= 0 && r < 16 && c >= 0 && c < 16;
            if (x[16 * row + column] != (inside ? old[16 * r + c] : 0))
                return false;
        }
    return true;
}

static void images_move_evenly_and_bring_in_nothing(void **state)
{
    (void)state;
    enum { COUNT = 5, EPOCHS = 500, PIXELS = 2, PLACES = 2 * PIXELS + 1 };
    lop_samples samples = make_bytes(COUNT);
    const uint32_t indices[COUNT] = {4, 0, 2, 2, 1};
    float old[COUNT * 256], x[COUNT * 256];
    uint16_t labels[COUNT];
    size_t seen[PLACES][PLACES] = {{0}};
    lop_batch_gather(&samples, indices, 0, COUNT, old, NULL);
    for (uint64_t epoch = 0; epoch < EPOCHS; epoch++) {
        const lop_shift shift = {.pixels = PIXELS, .seed = 9, .epoch = epoch};
        lop_batch_gather_shifted(&samples, indices, COUNT, &shift, x, labels);
        assert_memory_equal(x + 2 * 256, x + 3 * 256, 256 * sizeof *x);
        for (size_t i = 0; i < COUNT; i++) {
            size_t found = 0;
            assert_int_equal(labels[i], 7 * indices[i]);
            for (int place = 0; place < PLACES * PLACES; place++) {
                int down = place / PLACES, right = place % PLACES;
                bool is = is_moved(x + 256 * i, old + 256 * i, down - PIXELS, right - PIXELS);
                seen[down][right] += is && i != 3;
                found += is;
            }
            assert_int_equal(found, 1);
        }
    }
    /* 2,000 draws over 25 places: 80 each, with a standard deviation of 8.8; five of them. */
    for (size_t place = 0; place < PLACES * PLACES; place++)
        assert_in_range(seen[place / PLACES][place % PLACES], 36, 124);
    free_samples(&samples);
}

static void how_an_image_moves_depends_on_seed_epoch_and_index_alone(void **state)
{
    (void)state;
    lop_samples samples = make_bytes(40);
    uint32_t indices[40];
    static float x[40 * 256], y[40 * 256];
    for (uint32_t i = 0; i < 40; i++)
        indices[i] = i;
    const lop_shift shift = {.pixels = 3, .seed = 1, .epoch = 7};
    lop_batch_gather_shifted(&samples, indices, 40, &shift, x, NULL);
    lop_batch_gather_shifted(&samples, indices + 11, 29, &shift, y, NULL);
    assert_memory_equal(x + 11 * 256, y, 29 * 256 * sizeof *x);
    const lop_shift other = {.pixels = 3, .seed = 2, .epoch = 7};
    lop_batch_gather_shifted(&samples, indices, 40, &other, y, NULL);
    assert_memory_not_equal(x, y, sizeof x);
    free_samples(&samples);
}

/* A move by more than the image leaves nothing of it. */
static void images_may_move_out_of_sight(void **state)
{
    (void)state;
    lop_samples samples = make_bytes(1);
    const uint32_t index = 0;
    float x[256];
    size_t empty = 0;
    for (uint64_t epoch = 0; epoch < 50; epoch++) {
        const lop_shift shift = {.pixels = 64, .seed = 1, .epoch = epoch};
        float sum = 0;
        lop_batch_gather_shifted(&samples, &index, 1, &shift, x, NULL);
        for (size_t i = 0; i < 256; i++)
            sum += x[i];
        empty += sum == 0;
    }
    assert_in_range(empty, 30, 50);
    free_samples(&samples);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_become_byte_over_255),
        cmocka_unit_test(without_indices_samples_come_in_their_order),
        cmocka_unit_test(floats_come_as_they_are),
        cmocka_unit_test(a_split_is_a_partition_by_seed),
        cmocka_unit_test(a_split_needs_samples_on_both_sides),
        cmocka_unit_test(an_order_is_a_permutation_by_seed_and_epoch),
        cmocka_unit_test(images_move_evenly_and_bring_in_nothing),
        cmocka_unit_test(how_an_image_moves_depends_on_seed_epoch_and_index_alone),
        cmocka_unit_test(images_may_move_out_of_sight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
