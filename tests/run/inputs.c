/* Inputs into int8: the definition against doubles, and what this machine has against the
 * definition, up to the last byte before a page that nobody may touch. */
#include "test.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/random.h"
#include "guard.h"
#include "run/kernels/inputs.h"

enum { MOST = 256, ROUNDS = 3000 };

static lopi_quantizer draw_quantizer(lopi_random *random)
{
    lopi_quantizer q = {.inverse = 0.01f + 200 * lopi_random_float(random),
                        .zero = (float)lopi_random_below(random, 128)};
    if (lopi_random_below(random, 8) == 0)
        q.inverse = 0x1p126f;
    for (size_t b = 0; b < 256; b++)
        q.of_byte[b] = (uint8_t)lopi_random_below(random, 128);
    return q;
}

static float draw_input(lopi_random *random)
{
    static const float special[] = {0,       -0.0f,  FLT_MAX, -FLT_MAX, INFINITY, -INFINITY,
                                    FLT_MIN, -1,     0.5f,    1.5f,     2.5f,     126.5f,
                                    127.5f,  1e-30f, 255,     0x1p-149f};
    if (lopi_random_below(random, 3) == 0)
        return special[lopi_random_below(random, sizeof special / sizeof *special)];
    return (float)lopi_random_normal(random);
}

static void the_definition_rounds_to_even_and_clamps(void **state)
{
    (void)state;
    lopi_random random = lopi_random_stream(1, LOPI_STREAM_TEST, 0);
    for (size_t i = 0; i < 100000; i++) {
        lopi_quantizer q = draw_quantizer(&random);
        float x = draw_input(&random), product = x * q.inverse, sum = product + q.zero;
        uint8_t found;
        lopi_inputs_scalar.of_floats(&q, &x, 1, &found);
        assert_int_equal(found, (int)nearbyint(fmin(fmax((double)sum, 0), 127)));
    }
}

static void wider_sets_give_the_same(void **state)
{
    const lopi_input_kernel *wide = lopi_input_kernel_for(lopi_isa_detect());
    guarded x, y;
    (void)state;
    if (wide == &lopi_inputs_scalar) {
        print_message("skipped: this machine has the definition alone\n");
        skip();
    }
    assert_true(guarded_new(&x, MOST * sizeof(float)) && guarded_new(&y, MOST));
    lopi_random random = lopi_random_stream(2, LOPI_STREAM_TEST, 0);
    for (size_t i = 0; i < ROUNDS; i++) {
        lopi_quantizer q = draw_quantizer(&random);
        size_t count = lopi_random_below(&random, MOST + 1);
        bool floats = i % 2, at_end = lopi_random_below(&random, 4) != 0;
        size_t x_bytes = MOST * (floats ? sizeof(float) : 1), used = x_bytes / MOST * count;
        /* At the end of their memory, or at its beginning. */
        uint8_t *from = guarded_take(&x, x_bytes, at_end, 0xa5);
        uint8_t *to = guarded_take(&y, MOST, at_end, 0xa5), wanted[MOST];
        from += at_end ? x_bytes - used : 0;
        to += at_end ? MOST - count : 0;
        memset(y.data, 0xa5, MOST);
        for (size_t k = 0; k < count; k++)
            if (floats)
                ((float *)(void *)from)[k] = draw_input(&random);
            else
                from[k] = (uint8_t)lopi_random_u32(&random);
        guarded_lock(&x);
        if (floats) {
            lopi_inputs_scalar.of_floats(&q, (const float *)(const void *)from, count, wanted);
            wide->of_floats(&q, (const float *)(const void *)from, count, to);
        } else {
            lopi_inputs_scalar.of_bytes(&q, from, count, wanted);
            wide->of_bytes(&q, from, count, to);
        }
        assert_memory_equal(to, wanted, count);
        for (uint8_t *at = y.data; at < y.data + MOST; at++)
            assert_true((at >= to && at < to + count) || *at == 0xa5);
    }
    guarded_free(&x);
    guarded_free(&y);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_definition_rounds_to_even_and_clamps),
        cmocka_unit_test(wider_sets_give_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
