#include "networks.h"

#include <zlib.h>
#include <zstd.h>

static void dense_and_sparse_by_hand(void **state)
{
    (void)state;
    const size_t widths[] = {10, 6, 4};
    lop_network *network = test_mlp(widths, 3, true, 1);
    assert_int_equal(lop_dense_bytes(network), 4 * (60 + 24 + 6 + 4));
    /* All there: dense is smaller in both layers. */
    assert_int_equal(lop_sparse_bytes(network), 4 * (60 + 24 + 6 + 4));
    /* Three weights left in the first layer: 3 · (4 + 2) + 7 · 4 = 46 bytes against 240. */
    const lop_layer *layer = lop_network_layer(network, 0);
    for (size_t i = 0; i < 60; i++)
        layer->weight[i] = i % 20 == 7 ? 1.0f : i % 2 ? 0.0f : -0.0f;
    assert_int_equal(lop_sparse_bytes(network), 46 + 4 * (24 + 6 + 4));
    assert_int_equal(lop_dense_bytes(network), 4 * (60 + 24 + 6 + 4));
    lop_network_free(network);
}

static void columns_of_wide_layers_take_four_bytes(void **state)
{
    (void)state;
    for (size_t inputs = 65536; inputs <= 65537; inputs++) {
        size_t widths[] = {inputs, 1};
        lop_network *network = test_mlp(widths, 2, false, 1);
        const lop_layer *layer = lop_network_layer(network, 0);
        memset(layer->weight, 0, inputs * sizeof *layer->weight);
        layer->weight[inputs - 1] = 1;
        assert_int_equal(lop_sparse_bytes(network), (inputs == 65536 ? 6 : 8) + 2 * 4);
        lop_network_free(network);
    }
}

/* Against zstd's one-call interface over the same bytes. */
static void zstd_streams_everything(void **state)
{
    (void)state;
    const size_t widths[] = {300, 200, 100, 10};
    lop_network *network = test_mlp(widths, 4, true, 1);
    lop_prune_options options = {.sparsity = 0.9};
    assert_int_equal(lop_prune(network, &options, NULL), LOP_OK);
    size_t dense = lop_dense_bytes(network), used = 0, room = ZSTD_compressBound(dense), streamed;
    char *plain = malloc(dense), *packed = malloc(room);
    for (size_t l = 0; l < 3; l++) {
        const lop_layer *layer = lop_network_layer(network, l);
        memcpy(plain + used, layer->weight, layer->outputs * layer->inputs * 4);
        used += layer->outputs * layer->inputs * 4;
        memcpy(plain + used, layer->bias, layer->outputs * 4);
        used += layer->outputs * 4;
    }
    assert_int_equal(used, dense);
    for (int level = 1; level <= 19; level += 9) {
        assert_int_equal(lop_zstd_bytes(network, level, &streamed, NULL), LOP_OK);
        double whole = (double)ZSTD_compress(packed, room, plain, dense, level);
        /* A stream is cut into blocks elsewhere: 2 % apart. */
        assert_true((double)streamed > 0.98 * whole && (double)streamed < 1.02 * whole);
    }
    free(plain);
    free(packed);
    lop_network_free(network);
}

static void zstd_refuses_other_levels(void **state)
{
    (void)state;
    const size_t widths[] = {3, 2};
    lop_network *network = test_mlp(widths, 2, false, 1);
    const int wrong[] = {-5, 0, 20, 22};
    for (size_t i = 0; i < 4; i++) {
        size_t bytes = 17;
        lop_error error = {0};
        assert_int_equal(lop_zstd_bytes(network, wrong[i], &bytes, &error), LOP_E_RANGE);
        assert_int_equal(bytes, 17);
    }
    lop_network_free(network);
}

/* A gzip file is a zlib one with 18 bytes around the same stream instead of 6. */
static void gzip_streams_everything(void **state)
{
    (void)state;
    const size_t widths[] = {300, 200, 10};
    lop_network *network = test_mlp(widths, 3, true, 1);
    lop_prune_options options = {.sparsity = 0.9};
    assert_int_equal(lop_prune(network, &options, NULL), LOP_OK);
    size_t dense = lop_dense_bytes(network), used = 0, streamed = 0;
    char *plain = malloc(dense);
    for (size_t l = 0; l < 2; l++) {
        const lop_layer *layer = lop_network_layer(network, l);
        memcpy(plain + used, layer->weight, layer->outputs * layer->inputs * 4);
        used += layer->outputs * layer->inputs * 4;
        memcpy(plain + used, layer->bias, layer->outputs * 4);
        used += layer->outputs * 4;
    }
    for (int level = 1; level <= 9; level += 4) {
        uLongf size = compressBound(dense);
        Bytef *packed = malloc(size);
        assert_int_equal(compress2(packed, &size, (const Bytef *)plain, dense, level), Z_OK);
        assert_int_equal(lop_gzip_bytes(network, level, &streamed, NULL), LOP_OK);
        assert_int_equal(streamed, size + 12);
        free(packed);
    }
    assert_int_equal(lop_gzip_bytes(network, 10, &streamed, NULL), LOP_E_RANGE);
    free(plain);
    lop_network_free(network);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dense_and_sparse_by_hand),
        cmocka_unit_test(columns_of_wide_layers_take_four_bytes),
        cmocka_unit_test(zstd_streams_everything),
        cmocka_unit_test(zstd_refuses_other_levels),
        cmocka_unit_test(gzip_streams_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
