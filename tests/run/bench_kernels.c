#include "bench_kernels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lop/machine.h>

#include "base/memory.h"
#include "layers.h"

enum { TURNS = 9 };

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median_ns(const lopi_kernel *kernel, const lopi_call *call)
{
    double times[TURNS];
    kernel->run(call);
    for (size_t t = 0; t < TURNS; t++) {
        size_t calls = 0;
        double start = lop_clock_seconds(), now = start;
        while (now - start < 0.5e-3) {
            kernel->run(call);
            calls++;
            now = lop_clock_seconds();
        }
        times[t] = 1e9 * (now - start) / (double)calls;
    }
    qsort(times, TURNS, sizeof *times, compare);
    return times[TURNS / 2];
}

static void bench_layer(const lopi_kernel *kernel, const lopi_layer *layer, size_t samples)
{
    size_t x_size = layer->q ? 1 : sizeof(float);
    size_t x_bytes = lopi_layout_bytes(kernel->layout, layer->inputs, x_size, samples);
    void *prepared = lopi_alloc_aligned(kernel->prepare_bytes(layer), 1);
    uint8_t *x = lopi_alloc_aligned(x_bytes, 1);
    kernel->prepare(layer, prepared);
    lopi_random random = lopi_random_stream(4, LOPI_STREAM_TEST, 0);
    for (size_t i = 0; i < x_bytes / x_size; i++) {
        bool zero = lopi_random_float(&random) >= layer->density;
        if (x_size == 1)
            x[i] = (uint8_t)(zero ? 0 : 1 + lopi_random_below(&random, 127));
        else
            ((float *)(void *)x)[i] = zero ? 0 : 1 + lopi_random_float(&random);
    }
    size_t scratch = kernel->scratch_bytes ? kernel->scratch_bytes(prepared, samples) : 0;
    const lopi_call call = {
        .prepared = prepared,
        .x = x,
        .x_stride = lopi_layout_stride(kernel->layout, layer->inputs, x_size),
        .y = lopi_alloc_aligned(lopi_layout_bytes(kernel->layout, layer->outputs, x_size, samples),
                                1),
        .y_stride = lopi_layout_stride(kernel->layout, layer->outputs, x_size),
        .samples = samples,
        .last = kernel->parts(prepared, samples),
        .scratch = lopi_alloc_aligned(scratch, 1),
    };
    double ns = median_ns(kernel, &call), left = layer->row_start[layer->outputs];
    double bytes = (double)kernel->prepare_bytes(layer);
    printf(
        "%-32s %4u x %4u %5.1f %% left, %4.0f %% of inputs, batch %3zu: %10.0f ns a sample, %7.2f "
        "a ns, %5.0f kB read at %5.1f a ns, cost model %10.0f\n",
        kernel->name, layer->outputs, layer->inputs, 100 * left / layer->outputs / layer->inputs,
        100 * (double)layer->density, samples, ns / (double)samples, left * (double)samples / ns,
        bytes / 1e3, bytes / ns, kernel->cost_ns(layer, samples) / (double)samples);
    lopi_free(prepared);
    lopi_free(x);
    lopi_free(call.y);
    lopi_free(call.scratch);
}

void bench_memory(void)
{
    static const size_t kilobytes[] = {32, 256, 1024, 4096};
    for (size_t i = 0; i < sizeof kilobytes / sizeof *kilobytes; i++) {
        size_t bytes = kilobytes[i] * 1000;
        double times[TURNS];
        uint8_t *memory = lopi_alloc_aligned(bytes, 1);
        const void *found = NULL;
        for (size_t t = 0; memory && t < TURNS; t++) {
            size_t calls = 0;
            double start = lop_clock_seconds(), now = start;
            while (now - start < 2e-3) {
                found = memchr(memory, 1 + (int)(calls++ % 2), bytes) ? memory : found;
                now = lop_clock_seconds();
            }
            times[t] = 1e9 * (now - start) / (double)calls;
        }
        qsort(times, TURNS, sizeof *times, compare);
        if (memory && !found)
            printf("the C library's memchr reads %4zu kB again and again at %5.1f bytes a ns\n",
                   kilobytes[i], (double)bytes / times[TURNS / 2]);
        lopi_free(memory);
    }
}

void bench_kernel(const lopi_kernel *kernel)
{
    static const uint32_t shapes[][2] = {{1000, 784}, {1000, 1000}, {200, 500}};
    static const float densities[] = {1, 0.3f, 0.1f, 0.05f, 0.01f};
    static const size_t batches[] = {1, 8, 64, 512};
    lopi_random random = lopi_random_stream(3, LOPI_STREAM_TEST, 0);
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (size_t d = 0; d < sizeof densities / sizeof *densities; d++) {
            test_layer layer = test_layer_new(&random, kernel->arithmetic, shapes[s][0],
                                              shapes[s][1], densities[d]);
            layer.view.density = 0.2f;
            bool fits = !kernel->fits || kernel->fits(&layer.view);
            for (size_t b = 0; fits && b < sizeof batches / sizeof *batches; b++)
                bench_layer(kernel, &layer.view, batches[b]);
            test_layer_free(&layer);
        }
}
