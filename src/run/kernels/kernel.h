/**
 * Kernels: the ways to compute one layer. Each is a row of a table; table.c gathers the rows of all
 * instruction sets, scalar.c fills every slot and is the definition of every result.
 *
 * A kernel turns the layer's CSR into its own layout once (`prepare`) and then computes (`run`).
 * This folder alone has intrinsics, `#if` on an architecture, and files compiled with flags for an
 * instruction set. Its functions allocate nothing.
 *
 * int8. x is unsigned, 0 … 127; weights are −127 … 127; acc = Σ q · x is exact in 32 bits. With
 * t = (float)acc · mult[row] + offset[row], the product and the sum each rounded to float32 and
 * never fused:
 *     hidden layer: byte y = rint(min(max(t, 0), 127)), to nearest even
 *     last layer:   float y = t, and 0 where relu is set and t < 0
 * All kernels give the same bits.
 *
 * float32. y = acc + offset[row], and 0 where relu is set and that is < 0. The order of the sum and
 * fused products are the kernel's own: |y − exact| ≤ (n + 2) · 2⁻²⁴ · (Σ |w · x| + |offset|) for n
 * products. x is finite: the executor computes samples that are not by itself (run/reference.h).
 * Kernels for plans that allow bf16 may round both factors of a product to 8 bits. Those for plans
 * that allow fp16 round factors and sums to u = 2⁻¹¹, scaled so that nothing overflows; on top of
 * the above |y − exact| ≤ (n + 3) u / (1 − (n + 3) u) · Σ |w · x| + n · 2⁻²¹ · max |w| · max |x|
 * over row and sample, neither taken for less than 2⁻¹²⁶.
 */
#ifndef LOPI_RUN_KERNELS_KERNEL_H
#define LOPI_RUN_KERNELS_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lop/status.h>

/** Instruction sets, those of one architecture in rising order. */
typedef enum lopi_isa {
    LOPI_ISA_SCALAR,
    LOPI_ISA_AVX2,        /* with FMA */
    LOPI_ISA_AVX512,      /* F, BW, VL, DQ */
    LOPI_ISA_AVX512_VNNI, /* and VBMI, VNNI */
    LOPI_ISA_AVX512_FP16, /* and FP16 */
    LOPI_ISA_AMX,         /* and AMX-INT8 */
    LOPI_ISA_NEON,
    LOPI_ISA_NEON_DOT,
    LOPI_ISA_WASM,
    LOPI_ISA_COUNT
} lopi_isa;

typedef enum lopi_arithmetic { LOPI_F32, LOPI_I8 } lopi_arithmetic;

/** What a kernel of F32 rounds to, for plans that allow just that; FULL ones serve in all. */
typedef enum lopi_rounding { LOPI_FULL, LOPI_BF16, LOPI_FP16 } lopi_rounding;

/** What a kernel skips: nothing, zeros by row, zero blocks, or the inputs that are zero. */
typedef enum lopi_operation {
    LOPI_DENSE,
    LOPI_SPARSE,
    LOPI_BLOCK,
    LOPI_COLUMN,
    LOPI_OPERATION_COUNT
} lopi_operation;

/** What kernels have counted in a layer, not to count it again for each size of batch. */
typedef struct lopi_notes {
    struct {
        const void *who; /* any address of the kernel's own */
        uint32_t which;
        double value;
    } note[16];
    size_t count; /* those that find no room are counted again */
} lopi_notes;

/**
 * A layer as kernels are prepared from it. Borrowed for `prepare`: what `run` needs is copied.
 * Hidden units stand in the order that the plan gave them (rows of like counts together), and the
 * columns of the next layer follow.
 */
typedef struct lopi_layer {
    uint32_t outputs, inputs;  /* 1 … */
    const uint32_t *row_start; /* [outputs + 1] */
    const uint32_t *column;    /* [left], rising within each row */
    const float *value;        /* F32: [left] */
    const int8_t *q;           /* I8: [left]; may be 0 */
    const float *mult;         /* I8: [outputs] */
    const float *offset;       /* [outputs] */
    bool last;                 /* I8: yields floats */
    bool relu;                 /* where it yields floats */
    float density;             /* share of inputs that are not 0, for cost models */
    lopi_notes *notes;         /* written while planning; NULL: none are kept */
} lopi_layer;

/**
 * Where activations lie. All begin at a multiple of 64 bytes, and so does each sample or tile.
 *
 *     ROWS  (tile 0)   [sample][inputs, padded to 64 bytes]
 *     TILES (tile T)   [sample / T][inputs, padded to a multiple of 4][T]
 *
 * An element is a byte for I8 and a float for F32 (and for what the last layer of I8 yields). The
 * padding behind the inputs is zero, and stays zero: a kernel writes nothing there but zeros. The
 * last tile's samples beyond the batch are there in memory, finite, and computed along.
 */
typedef struct lopi_layout {
    uint32_t tile; /* 0: rows; else samples a tile: 8, 16, 32 or 64 */
} lopi_layout;

/** Bytes of one sample (rows) or tile of `features` elements of `size` bytes: a multiple of 64. */
size_t lopi_layout_stride(lopi_layout layout, size_t features, size_t size);
/** Bytes that `samples` take. */
size_t lopi_layout_bytes(lopi_layout layout, size_t features, size_t size, size_t samples);

/** One call of a kernel: parts first … last − 1 of a layer for `samples` samples. */
typedef struct lopi_call {
    const void *prepared;
    const void *x;   /* in the kernel's layout */
    size_t x_stride; /* bytes from one sample or tile to the next */
    void *y;         /* in the same layout */
    size_t y_stride;
    size_t samples;     /* 1 … */
    size_t first, last; /* parts of this call: any range within 0 … parts(…) */
    void *scratch;      /* scratch_bytes(…), at a multiple of 64; of this thread; any contents */
} lopi_call;

typedef struct lopi_kernel {
    const char *name; /* "sparse-rows-i8-avx2": unique, [a-z0-9-], below 48 bytes */
    lopi_isa isa;
    lopi_arithmetic arithmetic;
    lopi_operation operation;
    lopi_layout layout; /* of x and y */
    lopi_rounding rounding;

    /** Whether it can compute the layer; NULL: any. */
    bool (*fits)(const lopi_layer *layer);
    /** Stated guess of the nanoseconds for a call with all parts, for plans that do not measure and
     * to leave out what is hopeless. */
    double (*cost_ns)(const lopi_layer *layer, size_t samples);
    /** Bytes of its layout of the layer. */
    size_t (*prepare_bytes)(const lopi_layer *layer);
    /** Fill `memory`: prepare_bytes, zeroed, at a multiple of 64. */
    void (*prepare)(const lopi_layer *layer, void *memory);
    /** Instead of `prepare`, for kernels of other libraries (lopi_kernel_register), which make more
     * than memory holds: *more receives the bytes of that. What was made ends by `end`, which is
     * not called where `begin` failed. */
    lop_status (*begin)(const lopi_layer *layer, void *memory, size_t *more, lop_error *error);
    void (*end)(void *memory);
    /** Bytes of scratch for a thread that calls it with so many samples; NULL: none. */
    size_t (*scratch_bytes)(const void *prepared, size_t samples);
    /** Parts that threads may share out: groups of rows for few samples, samples or tiles for many.
     * A thread's parts write no cache line of another's, if that can be had. */
    size_t (*parts)(const void *prepared, size_t samples);
    void (*run)(const lopi_call *call);
} lopi_kernel;

/** Rows of one instruction set; `count` is 0 where the build is for another architecture. */
typedef struct lopi_kernel_list {
    const lopi_kernel *kernels;
    size_t count;
} lopi_kernel_list;

extern const lopi_kernel_list lopi_kernels_scalar;

/**
 * Join a kernel of another library to the table, which keeps it: plans made from now on may choose
 * it, and it must live as long as the program. The runtime by itself registers none.
 * @return whether it is there now; false where the table is full
 */
bool lopi_kernel_register(const lopi_kernel *kernel);

/** Kernel `index` of all instruction sets in this build, registered ones last; NULL beyond the
 * last. */
const lopi_kernel *lopi_kernel_at(size_t index);
/** By name; NULL where there is none. */
const lopi_kernel *lopi_kernel_find(const char *name);
/** Widest instruction set that CPU and operating system have. */
lopi_isa lopi_isa_detect(void);
/** The processor's name as it gives it, or that of its architecture. [size], terminated. */
void lopi_cpu_name(char *name, size_t size);
/** Whether a machine whose widest set is `widest` can run `isa`. */
bool lopi_isa_has(lopi_isa widest, lopi_isa isa);
/** "scalar", "avx2", …; NULL beyond the last. */
const char *lopi_isa_name(size_t isa);

#endif
