/* Opening a file takes the network itself and less than 64 kB beside it, in layers of 1000 inputs.
 */
#include "test.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/system.h"
#include "networks.h"
#include "pack/write.h"

/* Memory that is counted: the size stands before each block. */
enum { HEAD = LOPI_ALIGNMENT };
static size_t now, most;

static void *note(uint8_t *block, size_t size)
{
    if (!block)
        return NULL;
    memcpy(block, &size, sizeof size);
    now += size;
    most = now > most ? now : most;
    return block + HEAD;
}

static uint8_t *forget(void *block)
{
    uint8_t *head = (uint8_t *)block - HEAD;
    size_t size;
    memcpy(&size, head, sizeof size);
    now -= size;
    return head;
}

static void *zeroed(size_t count, size_t size)
{
    return note(calloc(count * size + HEAD, 1), count * size);
}

static void *aligned(size_t alignment, size_t size)
{
    return note(aligned_alloc(alignment, size + HEAD), size);
}

static void *resized(void *block, size_t size)
{
    return note(realloc(block ? forget(block) : NULL, size + HEAD), size);
}

static void release(void *block) { free(block ? forget(block) : NULL); }

static void opening_takes_little_beside_the_network(void **state)
{
    (void)state;
    static const lop_pack_values kinds[] = {{LOP_VALUES_FLOAT32, 0},
                                            {LOP_VALUES_FLOAT16, 0},
                                            {LOP_VALUES_INT8, 0},
                                            {LOP_VALUES_SHARED, 16},
                                            {LOP_VALUES_SHARED, 256}};
    const size_t hidden[] = {1000, 500};
    lop_network *network = test_network(
        &(lop_mlp_spec){
            .inputs = 784, .hidden = hidden, .hidden_count = 2, .outputs = 10, .bias = true},
        0.05);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        for (int gaps = 0; gaps < 2; gaps++) {
            lop_packed *packed = NULL, *back = NULL;
            uint8_t *data = NULL;
            size_t size = 0, before;
            lop_pack_options options = {.values = &kinds[i], .value_count = 1};
            assert_int_equal(lop_pack(&packed, network, &options, NULL), LOP_OK);
            assert_int_equal(lopi_packed_encode(packed, gaps, &data, &size, NULL), LOP_OK);
            before = most = now;
            assert_int_equal(lop_packed_open(&back, data, size, 0, NULL), LOP_OK);
            size_t network_bytes = now - before, beside = most - now;
            assert_true(network_bytes > 40000);
            if (beside > 64 << 10)
                fail_msg("kind %zu, gaps %d: %zu bytes beside a network of %zu", i, gaps, beside,
                         network_bytes);
            lop_packed_free(packed);
            lop_packed_free(back);
            lopi_free(data);
        }
    lop_network_free(network);
    assert_int_equal(now, 0);
}

int main(void)
{
    lopi_memory_system = (lopi_memory_calls){zeroed, resized, aligned, release};
    const struct CMUnitTest tests[] = {cmocka_unit_test(opening_takes_little_beside_the_network)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
