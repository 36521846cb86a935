/** One kernel computing one layer, compared with the definition of kernel.h. */
#ifndef LOP_TESTS_RUN_KERNEL_CASE_H
#define LOP_TESTS_RUN_KERNEL_CASE_H

#include "base/random.h"
#include "guard.h"
#include "run/kernels/kernel.h"

/** What the numbers of a case are like. */
typedef enum value_style {
    STYLE_RANDOM,
    STYLE_EXTREME, /* int8: all as large as they get, of one sign; float32: very large and small */
    STYLE_SPECIAL, /* zeros of both signs, denormals, powers of two, halves that round to even */
    STYLE_COUNT
} value_style;

/** What a case is made from; the same members give the same case. */
typedef struct case_spec {
    const lopi_kernel *kernel;
    uint32_t outputs, inputs;
    size_t samples;
    float density, input_density;
    value_style style;
    bool last, relu, at_end;
    uint64_t seed;
} case_spec;

/** Memory for cases, kept from one to the next. */
typedef struct case_memory {
    guarded prepared, x, y, scratch;
} case_memory;

bool case_memory_new(case_memory *memory);
void case_memory_free(case_memory *memory);

/** "" where all is right, else what is wrong; terminated. `skipped`: the kernel is not for it. */
typedef struct case_result {
    char wrong[256];
    bool skipped;
} case_result;
case_result case_check(case_memory *memory, const case_spec *spec);

#endif
