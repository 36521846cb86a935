/* Planned networks compute what the packed network says: float32 near a computation in double,
 * int8 to the bit, whatever the batch, the kernels and the number of threads. */
#include "test.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "packed.h"
#include "run/kernels/kernel.h"
#include "saved.h"

/* Calls for memory, counted; the linker sends them here, and these are its names for them. */
static size_t allocations;
/* NOLINTBEGIN(*-reserved-identifier,*-dcl37-c) */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

void *__wrap_malloc(size_t size)
{
    allocations++;
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    allocations++;
    return __real_calloc(count, size);
}

void *__wrap_realloc(void *block, size_t size)
{
    allocations++;
    return __real_realloc(block, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    allocations++;
    return __real_aligned_alloc(alignment, size);
}
/* NOLINTEND(*-reserved-identifier,*-dcl37-c) */

enum { INPUTS = 97, HIDDEN = 130, OUTPUTS = 10, MOST = 300 };

static const uint32_t widths[] = {INPUTS, HIDDEN, 61, OUTPUTS};

typedef struct fixture {
    lop_packed *packed;
    float *x, *y, *again;
    uint8_t *bytes;
    void *workspace;
    size_t size;
} fixture;

static fixture begin(float density, lop_values kind)
{
    lopi_random random = lopi_random_stream(7, LOPI_STREAM_TEST, (uint64_t)kind);
    fixture f = {
        .packed = test_packed_new(&random, widths, 3, density, kind),
        .x = lopi_alloc(MOST * INPUTS, sizeof(float)),
        .y = lopi_alloc(MOST * OUTPUTS, sizeof(float)),
        .again = lopi_alloc(MOST * OUTPUTS, sizeof(float)),
        .bytes = lopi_alloc(MOST * INPUTS, 1),
    };
    assert_non_null(f.packed);
    for (size_t i = 0; i < (size_t)MOST * INPUTS; i++) {
        f.bytes[i] = lopi_random_below(&random, 2) ? (uint8_t)lopi_random_below(&random, 256) : 0;
        f.x[i] = (float)f.bytes[i] / 255.0f;
    }
    return f;
}

static lop_plan *plan_for(fixture *f, const lop_plan_options *options)
{
    lop_plan *plan = NULL;
    lop_error error = {0};
    if (lop_plan_new(&plan, f->packed, options, &error) != LOP_OK)
        fail_msg("%s", error.text);
    lopi_free(f->workspace);
    f->size = lop_plan_workspace(plan);
    f->workspace = lopi_alloc_aligned(f->size, 1);
    return plan;
}

static void end(fixture *f, lop_plan *plan)
{
    lop_plan_free(plan);
    lop_packed_free(f->packed);
    lopi_free(f->x);
    lopi_free(f->y);
    lopi_free(f->again);
    lopi_free(f->bytes);
    lopi_free(f->workspace);
}

static lop_status run_batch(fixture *f, const lop_plan *plan, size_t batch, float *y)
{
    return lop_plan_run(plan, f->x, batch, y, f->workspace, f->size, NULL);
}

static void check_within(const fixture *f, size_t batch, double bound)
{
    for (size_t s = 0; s < batch; s++) {
        double wanted[OUTPUTS];
        test_packed_compute(f->packed, f->x + s * INPUTS, wanted);
        for (size_t o = 0; o < OUTPUTS; o++)
            assert_true(fabs((double)f->y[s * OUTPUTS + o] - wanted[o]) < bound);
    }
}

/* Three layers of at most 130 products on values of some units: 3 · 132 · 2⁻²⁴ · Σ|w x| with sums
 * below 100 each. */
static void check_float(const fixture *f, size_t batch) { check_within(f, batch, 3e-3); }

/* The same with factors that are off by 2⁻⁹: 3 · 2⁻⁸ · 100, if all were off to one side. */
static void check_half(const fixture *f, size_t batch) { check_within(f, batch, 1.2); }

/* Rows of at most 40 products, and sums too, to 11 bits: 3 · 43 · 2⁻¹¹ · 100, if all were off so.
 */
static void check_fp16(const fixture *f, size_t batch) { check_within(f, batch, 6.3); }

static void check_int8(const fixture *f, size_t batch)
{
    for (size_t s = 0; s < batch; s++) {
        float wanted[OUTPUTS];
        test_packed_compute_int8(f->packed, f->x + s * INPUTS, wanted);
        assert_memory_equal(f->y + s * OUTPUTS, wanted, sizeof wanted);
    }
}

static const size_t batches[] = {1, 2, 7, 8, 9, 33, 128, 300};
static const float densities[] = {0, 0.02f, 0.2f, 1};

static void check_precision(lop_run_precision precision, bool measure)
{
    for (size_t kind = 0; kind < 4; kind++)
        for (size_t d = 0; d < 4; d++) {
            if (measure && (kind > 0 || d != 2))
                continue; /* measuring takes its time */
            fixture f = begin(densities[d], (lop_values)kind);
            const lop_plan_options options = {
                .precision = precision, .measure = measure, .threads = 1 + d % 2, .max_batch = 128};
            lop_plan *plan = plan_for(&f, &options);
            for (size_t b = 0; b < sizeof batches / sizeof *batches; b++) {
                memset(f.y, 0xff, MOST * OUTPUTS * sizeof(float));
                assert_int_equal(run_batch(&f, plan, batches[b], f.y), LOP_OK);
                (precision == LOP_RUN_INT8 ? check_int8 : check_float)(&f, batches[b]);
            }
            end(&f, plan);
        }
}

static void float32_is_near_the_double(void **state)
{
    (void)state;
    check_precision(LOP_RUN_FLOAT32, false);
}

static void int8_is_exact(void **state)
{
    (void)state;
    check_precision(LOP_RUN_INT8, false);
}

static void measured_plans_compute_the_same(void **state)
{
    (void)state;
    check_precision(LOP_RUN_INT8, true);
}

/* Each kernel in turn, by way of a saved plan that names it. */
static void every_kernel_serves_in_a_plan(void **state)
{
    (void)state;
    const lopi_kernel *kernel;
    for (size_t k = 0; (kernel = lopi_kernel_at(k)); k++) {
        if (!lopi_isa_has(lopi_isa_detect(), kernel->isa))
            continue;
        fixture f = begin(0.2f, LOP_VALUES_FLOAT32);
        const lop_plan_options options = {.precision =
                                              kernel->arithmetic == LOPI_I8   ? LOP_RUN_INT8
                                              : kernel->rounding == LOPI_BF16 ? LOP_RUN_BF16
                                              : kernel->rounding == LOPI_FP16 ? LOP_RUN_FP16
                                                                              : LOP_RUN_FLOAT32};
        lop_plan *plan = plan_for(&f, &options);
        char *text = test_plan_with(plan, kernel->name, k % 2);
        lop_plan_free(plan);
        lop_plan_options saved = options;
        saved.saved = text;
        plan = NULL;
        lop_status status = lop_plan_new(&plan, f.packed, &saved, NULL);
        lopi_free(text);
        if (status == LOP_OK) {
            lopi_free(f.workspace);
            f.size = lop_plan_workspace(plan);
            f.workspace = lopi_alloc_aligned(f.size, 1);
            assert_int_equal(run_batch(&f, plan, 70, f.y), LOP_OK);
            (kernel->arithmetic == LOPI_I8   ? check_int8
             : kernel->rounding == LOPI_BF16 ? check_half
             : kernel->rounding == LOPI_FP16 ? check_fp16
                                             : check_float)(&f, 70);
        } else {
            assert_int_equal(status, LOP_E_UNSUPPORTED); /* not for these shapes */
            assert_non_null(kernel->fits);
        }
        end(&f, plan);
    }
}

static void bytes_are_255ths(void **state)
{
    (void)state;
    for (int precision = LOP_RUN_FLOAT32; precision <= LOP_RUN_INT8; precision++) {
        fixture f = begin(0.2f, LOP_VALUES_FLOAT32);
        const lop_plan_options options = {.precision = (lop_run_precision)precision};
        lop_plan *plan = plan_for(&f, &options);
        for (size_t batch = 1; batch <= MOST; batch += 23) {
            assert_int_equal(run_batch(&f, plan, batch, f.y), LOP_OK);
            assert_int_equal(
                lop_plan_run_bytes(plan, f.bytes, batch, f.again, f.workspace, f.size, NULL),
                LOP_OK);
            assert_memory_equal(f.y, f.again, batch * OUTPUTS * sizeof(float));
        }
        end(&f, plan);
    }
}

/* One sample with a value that is not finite among others that are. */
static void not_finite_values_spread_as_in_a_dense_product(void **state)
{
    (void)state;
    static const float values[] = {NAN, INFINITY, -INFINITY};
    fixture f = begin(0.1f, LOP_VALUES_FLOAT32);
    const lop_plan_options options = {.precision = LOP_RUN_FLOAT32};
    lop_plan *plan = plan_for(&f, &options);
    assert_int_equal(run_batch(&f, plan, 40, f.again), LOP_OK);
    for (size_t v = 0; v < 3; v++)
        for (size_t batch = 1; batch <= 40; batch += 13) {
            float kept = f.x[17];
            f.x[17] = values[v];
            assert_int_equal(run_batch(&f, plan, batch, f.y), LOP_OK);
            f.x[17] = kept;
            /* Input 17 is pruned somewhere in the first layer, and 0 · inf is NaN too. */
            for (size_t o = 0; o < OUTPUTS; o++)
                assert_true(isnan(f.y[o]));
            for (size_t o = OUTPUTS; o < batch * OUTPUTS; o++)
                assert_true(fabsf(f.y[o] - f.again[o]) < 3e-3f); /* as in check_float */
        }
    end(&f, plan);
    /* With all weights there, infinity goes its way. */
    lopi_random random = lopi_random_stream(3, LOPI_STREAM_TEST, 0);
    const uint32_t small[] = {INPUTS, OUTPUTS};
    f = begin(1, LOP_VALUES_FLOAT32);
    lop_packed_free(f.packed);
    f.packed = test_packed_new(&random, small, 1, 1, LOP_VALUES_FLOAT32);
    plan = plan_for(&f, &options);
    f.x[3] = INFINITY;
    assert_int_equal(run_batch(&f, plan, 1, f.y), LOP_OK);
    for (size_t o = 0; o < OUTPUTS; o++)
        assert_true(f.y[o] ==
                    (f.packed->layers[0].values[o * INPUTS + 3] > 0 ? INFINITY : -INFINITY));
    end(&f, plan);
}

static void int8_refuses_nan_and_clamps_infinity(void **state)
{
    (void)state;
    fixture f = begin(0.3f, LOP_VALUES_INT8);
    const lop_plan_options options = {.precision = LOP_RUN_INT8};
    lop_plan *plan = plan_for(&f, &options);
    f.x[3 * INPUTS + 5] = NAN;
    f.y[0] = 42;
    lop_error error = {0};
    assert_int_equal(lop_plan_run(plan, f.x, 9, f.y, f.workspace, f.size, &error), LOP_E_NAN);
    assert_non_null(strstr(error.text, "sample 3: value 5 "));
    assert_true(f.y[0] == 42);
    f.x[3 * INPUTS + 5] = INFINITY;
    f.x[3 * INPUTS + 6] = -INFINITY;
    assert_int_equal(run_batch(&f, plan, 9, f.y), LOP_OK);
    check_int8(&f, 9);
    end(&f, plan);
}

static void a_run_allocates_nothing(void **state)
{
    (void)state;
    for (size_t threads = 1; threads <= 2; threads++) {
        fixture f = begin(0.2f, LOP_VALUES_FLOAT32);
        const lop_plan_options options = {.threads = threads, .max_batch = 32};
        lop_plan *plan = plan_for(&f, &options);
        size_t before = allocations;
        assert_true(before > 0); /* the counter counts */
        for (size_t batch = 1; batch <= MOST; batch += 13)
            assert_int_equal(run_batch(&f, plan, batch, f.y), LOP_OK);
        assert_int_equal(allocations, before);
        end(&f, plan);
    }
}

typedef struct runner {
    const lop_plan *plan;
    const fixture *f;
    void *workspace;
    float *y;
    bool failed;
} runner;

static void *keep_running(void *argument)
{
    runner *r = argument;
    for (size_t i = 0; i < 20; i++)
        for (size_t batch = 1; batch <= MOST; batch += 99)
            if (lop_plan_run(r->plan, r->f->x, batch, r->y, r->workspace, r->f->size, NULL) ||
                memcmp(r->y, r->f->y, batch * OUTPUTS * sizeof(float)) != 0)
                r->failed = true;
    return NULL;
}

/* int8, where all ways give the same bits. */
static void one_plan_serves_many_threads(void **state)
{
    (void)state;
    enum { RUNNERS = 4 };
    fixture f = begin(0.2f, LOP_VALUES_FLOAT32);
    const lop_plan_options options = {.precision = LOP_RUN_INT8, .threads = 3, .max_batch = 32};
    lop_plan *plan = plan_for(&f, &options);
    assert_int_equal(run_batch(&f, plan, MOST, f.y), LOP_OK);
    check_int8(&f, MOST);
    runner runners[RUNNERS];
    pthread_t ids[RUNNERS];
    for (size_t i = 0; i < RUNNERS; i++) {
        runners[i] = (runner){plan, &f, lopi_alloc_aligned(f.size, 1),
                              lopi_alloc(MOST * OUTPUTS, sizeof(float)), false};
        assert_int_equal(pthread_create(&ids[i], NULL, keep_running, &runners[i]), 0);
    }
    for (size_t i = 0; i < RUNNERS; i++) {
        pthread_join(ids[i], NULL);
        assert_false(runners[i].failed);
        lopi_free(runners[i].workspace);
        lopi_free(runners[i].y);
    }
    end(&f, plan);
}

/* A network so large that the threads share its layers. */
static void threads_share_layers(void **state)
{
    (void)state;
    const uint32_t large[] = {INPUTS, 2000, 1500, OUTPUTS};
    lopi_random random = lopi_random_stream(9, LOPI_STREAM_TEST, 0);
    fixture f = begin(0.1f, LOP_VALUES_FLOAT32);
    lop_packed_free(f.packed);
    f.packed = test_packed_new(&random, large, 3, 0.3f, LOP_VALUES_FLOAT32);
    const lop_plan_options options = {.precision = LOP_RUN_INT8, .threads = 3, .isa = "scalar"};
    lop_plan *plan = plan_for(&f, &options);
    for (size_t batch = 1; batch <= 5; batch++) {
        assert_int_equal(run_batch(&f, plan, batch, f.y), LOP_OK);
        check_int8(&f, batch);
    }
    end(&f, plan);
}

/* More threads than any machine here has cores: slower perhaps, never wrong. */
static void more_threads_than_cores_compute_the_same(void **state)
{
    (void)state;
    fixture f = begin(0.2f, LOP_VALUES_FLOAT32);
    const lop_plan_options options = {.precision = LOP_RUN_INT8, .threads = 64, .max_batch = 8};
    lop_plan *plan = plan_for(&f, &options);
    for (size_t batch = 1; batch <= MOST; batch += 149) {
        assert_int_equal(run_batch(&f, plan, batch, f.y), LOP_OK);
        check_int8(&f, batch);
    }
    end(&f, plan);
}

static void bad_calls_get_a_status(void **state)
{
    (void)state;
    fixture f = begin(0.2f, LOP_VALUES_FLOAT32);
    lop_plan *plan = NULL;
    lop_plan_options options = {.max_batch = 5000};
    assert_int_equal(lop_plan_new(&plan, f.packed, &options, NULL), LOP_E_RANGE);
    options = (lop_plan_options){.threads = 257};
    assert_int_equal(lop_plan_new(&plan, f.packed, &options, NULL), LOP_E_RANGE);
    options = (lop_plan_options){.precision = (lop_run_precision)9};
    assert_int_equal(lop_plan_new(&plan, f.packed, &options, NULL), LOP_E_RANGE);
    options = (lop_plan_options){.isa = "mmx"};
    assert_int_equal(lop_plan_new(&plan, f.packed, &options, NULL), LOP_E_NAME);
    options = (lop_plan_options){.isa = "wasm"};
    assert_int_equal(lop_plan_new(&plan, f.packed, &options, NULL), LOP_E_UNSUPPORTED);
    options = (lop_plan_options){.kernel = lopi_kernel_at(0)->name, .saved = "lop-plan 3\n"};
    assert_int_equal(lop_plan_new(&plan, f.packed, &options, NULL), LOP_E_ARG);
    assert_int_equal(lop_plan_new(&plan, NULL, NULL, NULL), LOP_E_ARG);
    f.packed->layers[1].input_scale = 0;
    options = (lop_plan_options){.precision = LOP_RUN_INT8};
    lop_error error = {0};
    assert_int_equal(lop_plan_new(&plan, f.packed, &options, &error), LOP_E_UNSUPPORTED);
    assert_non_null(strstr(error.text, "fc2"));
    assert_null(plan);
    lop_plan_facts facts;
    plan = plan_for(&f, NULL);
    lop_plan_facts_get(plan, &facts);
    assert_int_equal(facts.precision, LOP_RUN_FLOAT32); /* AUTO, not calibrated */
    assert_string_equal(facts.isa, lopi_isa_name(lopi_isa_detect()));

    assert_int_equal(run_batch(&f, plan, 0, f.y), LOP_E_ARG);
    assert_int_equal(lop_plan_run(plan, NULL, 1, f.y, f.workspace, f.size, NULL), LOP_E_ARG);
    assert_int_equal(lop_plan_run(plan, f.x, 1, NULL, f.workspace, f.size, NULL), LOP_E_ARG);
    assert_int_equal(lop_plan_run(plan, f.x, 1, f.y, NULL, f.size, NULL), LOP_E_ARG);
    assert_int_equal(lop_plan_run(plan, f.x, 1, f.y, f.workspace, f.size - 1, NULL), LOP_E_ARG);
    uint8_t *askew = (uint8_t *)f.workspace + 4;
    assert_int_equal(lop_plan_run(plan, f.x, 1, f.y, askew, f.size, NULL), LOP_E_ARG);
    end(&f, plan);
}

/* No kernel that a narrower set would not have. */
static void isa_lowers_the_choice(void **state)
{
    (void)state;
    fixture f = begin(0.2f, LOP_VALUES_FLOAT32);
    const lop_plan_options options = {.isa = "scalar"};
    lop_plan *plan = plan_for(&f, &options);
    lop_plan_facts facts;
    lop_plan_facts_get(plan, &facts);
    assert_string_equal(facts.isa, "scalar");
    for (size_t c = 0; c < facts.classes; c++)
        for (size_t l = 0; l < facts.layers; l++) {
            lop_plan_choice choice;
            assert_int_equal(lop_plan_choice_get(plan, c, l, &choice, NULL), LOP_OK);
            assert_non_null(strstr(choice.chosen.kernel, "scalar"));
        }
    lop_plan_choice choice;
    assert_int_equal(lop_plan_choice_get(plan, facts.classes, 0, &choice, NULL), LOP_E_RANGE);
    assert_int_equal(lop_plan_choice_get(plan, 0, facts.layers, &choice, NULL), LOP_E_RANGE);
    assert_string_equal(lop_run_isa(0), "scalar");
    end(&f, plan);
}

/* Only the sizes asked for are planned, and others run all the same. */
static void a_plan_for_some_batches_runs_all(void **state)
{
    (void)state;
    fixture f = begin(0.2f, LOP_VALUES_FLOAT32);
    lop_plan_options options = {.precision = LOP_RUN_INT8, .min_batch = 32, .max_batch = 256};
    lop_plan *plan = plan_for(&f, &options);
    lop_plan_facts facts;
    lop_plan_facts_get(plan, &facts);
    static const size_t wanted[] = {32, 128, 256};
    assert_int_equal(facts.classes, 3);
    for (size_t c = 0; c < 3; c++) {
        lop_plan_choice choice;
        assert_int_equal(lop_plan_choice_get(plan, c, 0, &choice, NULL), LOP_OK);
        assert_int_equal(choice.batch, wanted[c]);
    }
    for (size_t b = 0; b < sizeof batches / sizeof *batches; b++) {
        assert_int_equal(run_batch(&f, plan, batches[b], f.y), LOP_OK);
        check_int8(&f, batches[b]);
    }
    options.min_batch = 257;
    assert_int_equal(lop_plan_new(&plan, f.packed, &options, NULL), LOP_E_RANGE);
    end(&f, plan);
}

static void a_kernel_that_is_named_is_taken(void **state)
{
    (void)state;
    fixture f = begin(0.2f, LOP_VALUES_FLOAT32);
    for (size_t measure = 0; measure < 2; measure++) {
        const lop_plan_options options = {.precision = LOP_RUN_INT8,
                                          .kernel = "dense-rows-i8-scalar",
                                          .measure = measure,
                                          .max_batch = 8};
        lop_plan *plan = plan_for(&f, &options);
        for (size_t l = 0; l < 3; l++) {
            lop_plan_choice choice;
            assert_int_equal(lop_plan_choice_get(plan, 1, l, &choice, NULL), LOP_OK);
            assert_string_equal(choice.chosen.kernel, options.kernel);
            assert_int_equal(choice.products, widths[l] * widths[l + 1]);
        }
        assert_int_equal(run_batch(&f, plan, 9, f.y), LOP_OK);
        check_int8(&f, 9);
        lop_plan_free(plan);
    }
    lop_plan *plan = NULL;
    const lop_plan_options unknown = {.kernel = "abacus"};
    assert_int_equal(lop_plan_new(&plan, f.packed, &unknown, NULL), LOP_E_NAME);
    assert_null(plan);
    end(&f, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(float32_is_near_the_double),
        cmocka_unit_test(int8_is_exact),
        cmocka_unit_test(measured_plans_compute_the_same),
        cmocka_unit_test(every_kernel_serves_in_a_plan),
        cmocka_unit_test(bytes_are_255ths),
        cmocka_unit_test(not_finite_values_spread_as_in_a_dense_product),
        cmocka_unit_test(int8_refuses_nan_and_clamps_infinity),
        cmocka_unit_test(a_run_allocates_nothing),
        cmocka_unit_test(one_plan_serves_many_threads),
        cmocka_unit_test(threads_share_layers),
        cmocka_unit_test(more_threads_than_cores_compute_the_same),
        cmocka_unit_test(bad_calls_get_a_status),
        cmocka_unit_test(isa_lowers_the_choice),
        cmocka_unit_test(a_plan_for_some_batches_runs_all),
        cmocka_unit_test(a_kernel_that_is_named_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
