/*
 * check_kernels [--long | --quick] [--bench] [--kernel NAME] [--isa NAME] [--seed N]
 *
 * Every kernel of every instruction set that this machine has, against the definition in kernel.h:
 * layers of 1 to 257 outputs and inputs, random ones, all sparsities, special values; each buffer
 * lies against a page that nobody may touch, and what is only read is locked. Integers must agree
 * to the bit, floats within the stated bound. LOP_ISA names the widest set to look at, and
 * --isa the only one. With --long many more layers, with --quick fewer; with --bench: what each
 * kernel takes.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench_kernels.h"
#include "kernel_case.h"

enum { LARGEST = 257 };

/* How many layers: of each width, or of every thirteenth where another machine is emulated. */
typedef struct extent {
    uint32_t step;
    size_t random;
} extent;
static const extent quick_extent = {13, 10}, short_extent = {1, 150}, long_extent = {1, 10000};

/* The case at hand in words, ready for the handler, which may not format. */
static char current[400];

static void describe(const case_spec *spec)
{
    snprintf(
        current, sizeof current,
        "%s: %u outputs, %u inputs, %zu samples, density %g of weights and %g of inputs, style "
        "%d%s%s%s, seed %llu",
        spec->kernel->name, spec->outputs, spec->inputs, spec->samples, (double)spec->density,
        (double)spec->input_density, (int)spec->style, spec->last ? ", last" : "",
        spec->relu ? ", relu" : "", spec->at_end ? ", at the end" : "",
        (unsigned long long)spec->seed);
}

static void tell(const char *text)
{
    ssize_t written = write(STDERR_FILENO, text, strlen(text));
    (void)written; /* nobody is left to tell */
}

/* The program is lost; it only tells where it stepped outside. */
static void on_fault(int number)
{
    tell(number == SIGILL ? "unknown instruction: " : "outside its memory: ");
    tell(current);
    tell("\n");
    _exit(1);
}

static const float densities[] = {0, 0.01f, 0.03f, 0.1f, 0.2f, 0.5f, 0.9f, 1};

static size_t draw_samples(lopi_random *random)
{
    static const size_t few[] = {1, 1, 1, 2, 3, 5, 8, 17, 33};
    return few[lopi_random_below(random, sizeof few / sizeof *few)];
}

static case_spec draw_case(const lopi_kernel *kernel, lopi_random *random, uint32_t outputs,
                           uint32_t inputs)
{
    return (case_spec){
        .kernel = kernel,
        .outputs = outputs,
        .inputs = inputs,
        .samples = draw_samples(random),
        .density = densities[lopi_random_below(random, 8)],
        .input_density = densities[lopi_random_below(random, 8)],
        .style = (value_style)lopi_random_below(random, STYLE_COUNT),
        .last = lopi_random_below(random, 2),
        .relu = lopi_random_below(random, 2),
        .at_end = lopi_random_below(random, 4) != 0,
        .seed = lopi_random_u32(random),
    };
}

typedef struct tally {
    size_t checked, skipped, wrong;
} tally;

static void check_one(case_memory *memory, const case_spec *spec, tally *t)
{
    describe(spec);
    case_result result = case_check(memory, spec);
    t->checked += !result.skipped;
    t->skipped += result.skipped;
    if (!result.wrong[0])
        return;
    if (t->wrong++ < 5) {
        printf("%s\n    %s\n", current, result.wrong);
    }
}

static uint32_t draw_width(lopi_random *random)
{
    /* Most are small; a few reach beyond what a layout counts in 8 or 10 bits. */
    uint32_t limit = lopi_random_below(random, 20) ? 160 : 1400;
    return 1 + lopi_random_below(random, limit);
}

static tally check_kernel(case_memory *memory, const lopi_kernel *kernel, extent many,
                          uint64_t seed)
{
    lopi_random random = lopi_random_stream(seed, LOPI_STREAM_TEST, 0);
    tally t = {0};
    for (uint32_t width = 1; width <= LARGEST; width += many.step) {
        uint32_t other = 1 + lopi_random_below(&random, 70);
        case_spec tall = draw_case(kernel, &random, width, other);
        case_spec wide = draw_case(kernel, &random, other, width);
        check_one(memory, &tall, &t);
        check_one(memory, &wide, &t);
    }
    for (size_t i = 0; i < many.random; i++) {
        uint32_t outputs = draw_width(&random), inputs = draw_width(&random);
        case_spec any = draw_case(kernel, &random, outputs, inputs);
        check_one(memory, &any, &t);
    }
    printf("%-32s %6zu cases, %zu wrong", kernel->name, t.checked, t.wrong);
    printf(t.skipped ? ", %zu not for it\n" : "\n", t.skipped);
    return t;
}

static lopi_isa widest_wanted(void)
{
    const char *name = getenv("LOP_ISA");
    lopi_isa widest = lopi_isa_detect();
    for (size_t isa = 0; name && isa < LOPI_ISA_COUNT; isa++)
        if (strcmp(name, lopi_isa_name(isa)) == 0 && lopi_isa_has(widest, (lopi_isa)isa))
            return (lopi_isa)isa;
    if (name)
        printf("LOP_ISA=%s is not of this machine; its widest is %s\n", name,
               lopi_isa_name(widest));
    return widest;
}

/* Sets that are in this build and cannot be checked here. */
static void tell_missing(lopi_isa widest)
{
    const lopi_kernel *kernel;
    for (size_t isa = 0; isa < LOPI_ISA_COUNT; isa++) {
        size_t kernels = 0;
        for (size_t i = 0; (kernel = lopi_kernel_at(i)); i++)
            kernels += kernel->isa == (lopi_isa)isa;
        if (kernels > 0 && !lopi_isa_has(widest, (lopi_isa)isa))
            printf("%s: not on this machine, its %zu kernels are skipped\n", lopi_isa_name(isa),
                   kernels);
    }
}

typedef struct arguments {
    extent extent;
    bool bench;
    const char *kernel, *isa;
    uint64_t seed;
} arguments;

static bool read_arguments(arguments *a, int count, char **words)
{
    for (int i = 1; i < count; i++) {
        bool more = i + 1 < count;
        if (strcmp(words[i], "--long") == 0)
            a->extent = long_extent;
        else if (strcmp(words[i], "--quick") == 0)
            a->extent = quick_extent;
        else if (strcmp(words[i], "--bench") == 0)
            a->bench = true;
        else if (strcmp(words[i], "--kernel") == 0 && more)
            a->kernel = words[++i];
        else if (strcmp(words[i], "--isa") == 0 && more)
            a->isa = words[++i];
        else if (strcmp(words[i], "--seed") == 0 && more)
            a->seed = strtoull(words[++i], NULL, 10);
        else
            return false;
    }
    return true;
}

static bool is_wanted(const arguments *a, lopi_isa widest, const lopi_kernel *kernel)
{
    return lopi_isa_has(widest, kernel->isa) &&
           (!a->kernel || strcmp(a->kernel, kernel->name) == 0) &&
           (!a->isa || strcmp(a->isa, lopi_isa_name(kernel->isa)) == 0);
}

int main(int count, char **words)
{
    arguments a = {.seed = 1, .extent = short_extent};
    case_memory memory;
    if (!read_arguments(&a, count, words)) {
        fprintf(stderr, "usage: check_kernels [--long | --quick] [--bench] [--kernel NAME] [--isa "
                        "NAME] [--seed N]\n");
        return 64;
    }
    if (!case_memory_new(&memory)) {
        fprintf(stderr, "no memory for guarded buffers\n");
        return 71;
    }
    lopi_isa widest = widest_wanted();
    signal(SIGSEGV, on_fault);
    signal(SIGBUS, on_fault);
    signal(SIGILL, on_fault);
    tell_missing(widest);
    size_t wrong = 0, checked = 0;
    const lopi_kernel *kernel;
    if (a.bench)
        bench_memory();
    for (size_t i = 0; (kernel = lopi_kernel_at(i)); i++) {
        if (!is_wanted(&a, widest, kernel))
            continue;
        if (a.bench) {
            bench_kernel(kernel);
            checked++;
            continue;
        }
        tally t = check_kernel(&memory, kernel, a.extent, a.seed);
        wrong += t.wrong;
        checked += t.checked;
    }
    case_memory_free(&memory);
    if (checked == 0)
        printf("nothing was checked\n");
    return wrong > 0 || checked == 0;
}
