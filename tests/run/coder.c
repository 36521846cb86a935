/* What goes through the coder comes back, in about as many bits as it is worth. */
#include "test.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "run/coder.h"
#include "run/container.h"
#include "run/half.h"

#define COUNT 20000

static lopi_coder_tables tables;

typedef struct models {
    lopi_chance plain, a[4], b[4], tree[32];
    lopi_mixer mixer;
    lopi_gamma gamma;
} models;

/* Numbers of each way of coding, in turns. Reading, `numbers` are compared. */
static void code_all(lopi_coder *coder, const uint32_t *numbers)
{
    models m = {.plain = LOPI_EVEN, .mixer = {{30000, 30000, 0}}};
    lopi_chances_set(m.a, 4, LOPI_EVEN);
    lopi_chances_set(m.b, 4, LOPI_EVEN);
    lopi_chances_set(m.tree, 32, LOPI_EVEN);
    lopi_gamma_begin(&m.gamma);
    for (int i = 0; i < COUNT; i++) {
        uint32_t number = numbers[i], known = coder->writing ? number : 0, read;
        switch (i % 5) {
        case 0:
            read = lopi_code(coder, &m.plain, known & 1);
            number &= 1;
            break;
        case 1: {
            lopi_chance *chances[3] = {&m.a[i / 5 % 4], &m.b[i / 20 % 4]};
            read = lopi_code_mixed(coder, &m.mixer, chances, 2, known & 1);
            number &= 1;
            break;
        }
        case 2:
            read = lopi_code_tree(coder, m.tree, 5, known & 31);
            number &= 31;
            break;
        case 3:
            read = lopi_code_even(coder, (int)(numbers[i - 1] % 33),
                                  known & (uint32_t)((1ull << numbers[i - 1] % 33) - 1));
            number &= (uint32_t)((1ull << numbers[i - 1] % 33) - 1);
            break;
        default:
            number = number == UINT32_MAX ? 0 : number >> numbers[i - 1] % 32;
            read = lopi_code_gamma(coder, &m.gamma, coder->writing ? number : 0);
            break;
        }
        if (!coder->writing && read != number)
            fail_msg("number %d: expected %u, read %u", i, number, read);
    }
}

/* As a dense layer's positions are: all that is written is zeros, and a reader must not take them
 * for the end of the file. */
static void what_is_all_zeros_comes_back(void **state)
{
    (void)state;
    lopi_coder coder;
    lopi_coder_tables_fill(&tables);
    for (int count = 1; count < 5000; count += count < 200 ? 1 : 500) {
        lopi_coder_write(&coder, &tables);
        for (int i = 0; i < count; i++)
            lopi_code_bit(&coder, 40000, 1);
        assert_int_equal(lopi_coder_finish(&coder, NULL), LOP_OK);
        uint8_t *data = coder.out;
        lopi_coder_read(&coder, &tables, data, coder.out_size);
        for (int i = 0; i < count; i++)
            assert_int_equal(lopi_code_bit(&coder, 40000, 0), 1);
        assert_false(lopi_coder_starved(&coder));
        lopi_free(data);
    }
}

static void numbers_come_back(void **state)
{
    (void)state;
    lopi_coder coder;
    lopi_coder_tables_fill(&tables);
    uint32_t *numbers = lopi_alloc(COUNT, sizeof *numbers);
    lopi_random random = lopi_random_stream(1, LOPI_STREAM_TEST, 0);
    for (int i = 0; i < COUNT; i++)
        numbers[i] = i % 7 ? lopi_random_u32(&random) : i % 2 ? 0 : UINT32_MAX; /* carries too */
    lopi_coder_write(&coder, &tables);
    code_all(&coder, numbers);
    double bits = lopi_coder_bits(&coder);
    assert_int_equal(lopi_coder_finish(&coder, NULL), LOP_OK);
    uint8_t *data = coder.out;
    size_t size = coder.out_size;
    assert_true((double)size * 8 <= bits + 8); /* at most a byte to end with */
    lopi_coder_read(&coder, &tables, data, size);
    code_all(&coder, numbers);
    assert_int_equal(coder.position >= size, 1);
    assert_false(lopi_coder_starved(&coder));
    assert_true(fabs(lopi_coder_bits(&coder) - bits) < 1e-6);
    lopi_free(data);
    lopi_free(numbers);
}

/* Bits that are 1 with a probability of 5 % are worth 0.2864 bits each. */
static void a_chance_learns_what_is_usual(void **state)
{
    (void)state;
    lopi_coder coder;
    lopi_coder_tables_fill(&tables);
    lopi_random random = lopi_random_stream(2, LOPI_STREAM_TEST, 0);
    lopi_chance chance = LOPI_EVEN;
    lopi_coder_write(&coder, &tables);
    for (int i = 0; i < 100000; i++)
        lopi_code(&coder, &chance, lopi_random_u32(&random) % 20 == 0);
    assert_int_equal(lopi_coder_finish(&coder, NULL), LOP_OK);
    double each = (double)coder.out_size * 8 / 100000;
    assert_true(each > 0.27 && each < 0.295); /* 2 % for the draw of the bits, 1 % to learn */
    lopi_free(coder.out);
}

static void logarithms_are_rounded(void **state)
{
    (void)state;
    assert_int_equal(lopi_quarter_log2(0), 0);
    for (uint64_t x = 1; x < 100000; x += x / 64 + 1) {
        /* Six bits of x are looked at: a border may be missed by half a 64th. */
        double exact = 4 * log2((double)x);
        assert_true(fabs(lopi_quarter_log2(x) - exact) <= 0.5 + 4.0 / 64 / log(2));
    }
    assert_int_equal(lopi_quarter_log2(UINT64_MAX), 256);
}

static void halves_are_floats_and_back(void **state)
{
    (void)state;
    for (uint32_t h = 0; h < 65536; h++) {
        float value = lopi_half_to_float((uint16_t)h);
        if (isnan(value))
            assert_true(isnan(lopi_half_to_float(lopi_float_to_half(value))));
        else
            assert_int_equal(lopi_float_to_half(value), h);
        float upper = lopi_bfloat_to_float((uint16_t)h);
        if (!isnan(upper))
            assert_int_equal(lopi_float_to_bfloat(upper), h);
    }
    /* Between two: to the nearer, to the even one in the middle. */
    assert_int_equal(lopi_float_to_half(1 + 0x1p-11f), 0x3c00);
    assert_int_equal(lopi_float_to_half(1 + 0x1.8p-10f), 0x3c02);
    assert_int_equal(lopi_float_to_half(1 + 0x1.002p-11f), 0x3c01);
    assert_int_equal(lopi_float_to_half(65520), 0x7c00);
    assert_int_equal(lopi_float_to_half(65519), 0x7bff);
    assert_int_equal(lopi_float_to_half(0x1p-25f), 0);
    assert_int_equal(lopi_float_to_half(-0x1.8p-25f), 0x8001);
    assert_int_equal(lopi_float_to_bfloat(1 + 0x1p-8f), 0x3f80);
    assert_int_equal(lopi_float_to_bfloat(1 + 0x1.8p-7f), 0x3f82);
}

static void the_checksum_is_that_of_rfc_3720(void **state)
{
    (void)state;
    uint8_t zeros[32] = {0}, rising[32];
    for (uint8_t i = 0; i < 32; i++)
        rising[i] = i;
    assert_int_equal(lopi_crc32c(zeros, 32), 0x8a9136aa);
    assert_int_equal(lopi_crc32c(rising, 32), 0x46dd794e);
    assert_int_equal(lopi_crc32c((const uint8_t *)"123456789", 9), 0xe3069283);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_all_zeros_comes_back),
        cmocka_unit_test(numbers_come_back),
        cmocka_unit_test(a_chance_learns_what_is_usual),
        cmocka_unit_test(logarithms_are_rounded),
        cmocka_unit_test(halves_are_floats_and_back),
        cmocka_unit_test(the_checksum_is_that_of_rfc_3720),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
