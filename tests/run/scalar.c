/* The scalar kernels fill every slot, and all that this machine has compute what the definition
 * says: here from the weights one by one, the sums in double and in 64-bit integers. */
#include "test.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "layers.h"
#include "run/kernels/kernel.h"

static void every_slot_is_filled(void **state)
{
    (void)state;
    bool rows[2][LOPI_OPERATION_COUNT] = {{0}}, tiles[2] = {0};
    for (size_t i = 0; i < lopi_kernels_scalar.count; i++) {
        const lopi_kernel *kernel = &lopi_kernels_scalar.kernels[i];
        if (kernel->layout.tile == 0)
            rows[kernel->arithmetic][kernel->operation] = true;
        else
            tiles[kernel->arithmetic] = true;
    }
    for (size_t a = 0; a < 2; a++) {
        for (size_t o = 0; o < LOPI_OPERATION_COUNT; o++)
            assert_true(rows[a][o]);
        assert_true(tiles[a]);
    }
}

static void names_are_unique(void **state)
{
    (void)state;
    const lopi_kernel *kernel;
    size_t count = 0;
    for (; (kernel = lopi_kernel_at(count)); count++) {
        assert_ptr_equal(lopi_kernel_find(kernel->name), kernel);
        assert_true(strlen(kernel->name) < 48);
    }
    assert_true(count >= lopi_kernels_scalar.count);
    assert_null(lopi_kernel_find("no-such-kernel"));
}

static void sets_contain_narrower_ones(void **state)
{
    (void)state;
    assert_true(lopi_isa_has(LOPI_ISA_AVX512_VNNI, LOPI_ISA_AVX2));
    assert_true(lopi_isa_has(LOPI_ISA_AMX, LOPI_ISA_AVX512_VNNI));
    assert_false(lopi_isa_has(LOPI_ISA_AVX512_VNNI, LOPI_ISA_AMX));
    assert_true(lopi_isa_has(LOPI_ISA_NEON_DOT, LOPI_ISA_SCALAR));
    assert_false(lopi_isa_has(LOPI_ISA_AVX2, LOPI_ISA_AVX512));
    assert_false(lopi_isa_has(LOPI_ISA_AVX512_VNNI, LOPI_ISA_NEON));
    assert_string_equal(lopi_isa_name(lopi_isa_detect()), lopi_isa_name(lopi_isa_detect()));
    assert_null(lopi_isa_name(LOPI_ISA_COUNT));
}

/* Where element `feature` of `sample` lies, in elements. */
static size_t place(lopi_layout layout, size_t stride, size_t feature, size_t sample)
{
    if (layout.tile == 0)
        return sample * stride + feature;
    return sample / layout.tile * stride + feature * layout.tile + sample % layout.tile;
}

typedef struct job {
    const lopi_kernel *kernel;
    const lopi_layer *layer;
    size_t samples, in_size, out_size, x_stride, y_stride; /* strides in bytes */
    void *x, *y;
} job;

static void check_sample(const job *j, size_t sample, uint32_t row)
{
    const lopi_layer *l = j->layer;
    lopi_layout layout = j->kernel->layout;
    double sum = 0, size = 0;
    for (uint32_t i = l->row_start[row]; i < l->row_start[row + 1]; i++) {
        size_t at = place(layout, j->x_stride / j->in_size, l->column[i], sample);
        double product = l->q ? (double)l->q[i] * ((uint8_t *)j->x)[at]
                              : (double)l->value[i] * (double)((float *)j->x)[at];
        sum += product;
        size += fabs(product);
    }
    size_t at = place(layout, j->y_stride / j->out_size, row, sample);
    if (l->q) {
        float t = (float)(int32_t)sum * l->mult[row];
        t += l->offset[row];
        if (l->last)
            assert_true(((float *)j->y)[at] == (l->relu && t < 0 ? 0 : t));
        else
            assert_int_equal(((uint8_t *)j->y)[at], (int)fmin(fmax(nearbyint((double)t), 0), 127));
        return;
    }
    sum += (double)l->offset[row];
    size += fabs((double)l->offset[row]);
    /* The bound of kernel.h; n is at most the number of inputs. */
    double bound = (l->inputs + 2) * 0x1p-24 * size;
    if (j->kernel->rounding == LOPI_BF16) /* both factors rounded to 8 bits */
        bound += (0x1p-8 + 0x1p-18) * size;
    if (j->kernel->rounding == LOPI_FP16) /* factors and sums rounded to 11 bits; all are below 8 */
        bound += (l->inputs + 3) * 0x1p-10 * size + l->inputs * 0x1p-15;
    double y = (double)((float *)j->y)[at], wanted = l->relu && sum < 0 ? 0 : sum;
    assert_true(fabs(y - wanted) <= bound);
}

static void run_job(job *j)
{
    size_t bytes = j->kernel->prepare_bytes(j->layer);
    void *prepared = lopi_alloc_aligned(bytes, 1);
    j->kernel->prepare(j->layer, prepared);
    size_t scratch = j->kernel->scratch_bytes ? j->kernel->scratch_bytes(prepared, j->samples) : 0;
    lopi_call call = {
        .prepared = prepared,
        .x = j->x,
        .x_stride = j->x_stride,
        .y = j->y,
        .y_stride = j->y_stride,
        .samples = j->samples,
        .scratch = lopi_alloc_aligned(scratch, 1),
    };
    /* In two calls, as two threads would share it. */
    size_t parts = j->kernel->parts(prepared, j->samples);
    call.first = parts / 2;
    call.last = parts;
    j->kernel->run(&call);
    call.first = 0;
    call.last = parts / 2;
    if (call.last > 0)
        j->kernel->run(&call);
    lopi_free(call.scratch);
    lopi_free(prepared);
}

static void compare(const lopi_kernel *kernel, const lopi_layer *layer, size_t samples,
                    lopi_random *random)
{
    job j = {.kernel = kernel, .layer = layer, .samples = samples};
    j.in_size = layer->q ? 1 : sizeof(float);
    j.out_size = layer->q && !layer->last ? 1 : sizeof(float);
    j.x_stride = lopi_layout_stride(kernel->layout, layer->inputs, j.in_size);
    j.y_stride = lopi_layout_stride(kernel->layout, layer->outputs, j.out_size);
    j.x =
        lopi_alloc_aligned(lopi_layout_bytes(kernel->layout, layer->inputs, j.in_size, samples), 1);
    j.y = lopi_alloc_aligned(lopi_layout_bytes(kernel->layout, layer->outputs, j.out_size, samples),
                             1);
    for (size_t s = 0; s < samples; s++)
        for (uint32_t c = 0; c < layer->inputs; c++) {
            size_t at = place(kernel->layout, j.x_stride / j.in_size, c, s);
            bool zero = lopi_random_below(random, 2);
            if (layer->q)
                ((uint8_t *)j.x)[at] = zero ? 0 : (uint8_t)lopi_random_below(random, 128);
            else
                ((float *)j.x)[at] = zero ? 0 : (float)lopi_random_normal(random);
        }
    run_job(&j);
    for (size_t s = 0; s < samples; s++)
        for (uint32_t r = 0; r < layer->outputs; r++)
            check_sample(&j, s, r);
    lopi_free(j.x);
    lopi_free(j.y);
}

static void kernels_compute_the_definition(void **state)
{
    (void)state;
    static const uint32_t shapes[][2] = {{1, 1}, {3, 5}, {64, 64}, {65, 127}, {130, 33}, {200, 1}};
    static const float densities[] = {0, 0.03f, 0.3f, 1};
    lopi_random random = lopi_random_stream(1, LOPI_STREAM_TEST, 0);
    const lopi_kernel *kernel;
    for (size_t i = 0; (kernel = lopi_kernel_at(i)); i++)
        for (size_t shape = 0; shape < 6 && lopi_isa_has(lopi_isa_detect(), kernel->isa); shape++)
            for (size_t d = 0; d < 4; d++) {
                test_layer layer = test_layer_new(&random, kernel->arithmetic, shapes[shape][0],
                                                  shapes[shape][1], densities[d]);
                layer.view.relu = d % 2;
                layer.view.last = shape % 2;
                if (!kernel->fits || kernel->fits(&layer.view)) {
                    compare(kernel, &layer.view, 1, &random);
                    compare(kernel, &layer.view, 19, &random);
                }
                assert_true(kernel->cost_ns(&layer.view, 19) > 0);
                test_layer_free(&layer);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_slot_is_filled),
        cmocka_unit_test(names_are_unique),
        cmocka_unit_test(sets_contain_narrower_ones),
        cmocka_unit_test(kernels_compute_the_definition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
