#include "test.h"

#include <math.h>
#include <string.h>

#include "exchange/dtype.h"

/* IEEE 754, 3.4: sign, five bits of exponent, ten of fraction; by arithmetic, not by shifting. */
static float half_by_definition(unsigned bits)
{
    unsigned exponent = bits >> 10 & 31, fraction = bits & 1023;
    double magnitude = exponent == 31  ? (fraction ? (double)NAN : (double)INFINITY)
                       : exponent == 0 ? ldexp(fraction, -24)
                                       : ldexp(1024 + fraction, (int)exponent - 25);
    return (float)(bits & 0x8000 ? -magnitude : magnitude);
}

static void every_half_is_converted(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits < 65536; bits++) {
        const unsigned char bytes[2] = {(unsigned char)bits, (unsigned char)(bits >> 8)};
        float found, expected = half_by_definition(bits);
        lopi_dtype_to_float(LOPI_F16, bytes, 1, &found);
        if (isnan(expected))
            assert_true(isnan(found));
        else
            assert_memory_equal(&found, &expected, sizeof found);
    }
}

static void other_floats_are_converted(void **state)
{
    (void)state;
    /* 1.5, -2, infinity as bf16; then as doubles one that rounds, one too large for a float. */
    static const unsigned char brain[] = {0xc0, 0x3f, 0x00, 0xc0, 0x80, 0x7f};
    const double wide[] = {0.1, 1e300};
    unsigned char bytes[sizeof wide];
    float found[3];
    lopi_dtype_to_float(LOPI_BF16, brain, 3, found);
    assert_true(found[0] == 1.5f && found[1] == -2.0f && isinf(found[2]));
    lopi_little_endian_copy(bytes, wide, 2, sizeof *wide);
    lopi_dtype_to_float(LOPI_F64, bytes, 2, found);
    assert_true(found[0] == 0.1f && isinf(found[1]));
}

static void types_are_found_by_name(void **state)
{
    (void)state;
    for (int i = 0; i < LOPI_DTYPE_COUNT; i++) {
        assert_int_equal(lopi_dtype_find(lopi_dtype_name((lopi_dtype)i)), i);
        assert_true(lopi_dtype_size((lopi_dtype)i) > 0);
    }
    assert_int_equal(lopi_dtype_find("F31"), LOPI_DTYPE_COUNT);
    assert_true(lopi_dtype_is_float(LOPI_F32));
    assert_false(lopi_dtype_is_float(LOPI_U8));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_half_is_converted),
        cmocka_unit_test(other_floats_are_converted),
        cmocka_unit_test(types_are_found_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
