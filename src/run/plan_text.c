/* A plan as text:
 *
 *     lop-plan 3
 *     cpu AMD EPYC 7B13
 *     isa avx2
 *     kernels 0123456789abcdef            of the names of those in the library
 *     network 0123456789abcdef
 *     precision int8
 *     dense no
 *     measured samples                    or yes: on made-up inputs, or no: guessed
 *     class 1 12345                       a class of batches, ns of the whole network
 *     sparse-rows-i8-avx2 4711 96256      for each layer: kernel, ns, bytes
 *      dense-rows-i8-avx2 9713 784000     and the other candidates, the fastest first
 *     …
 *     sum 0123456789abcdef                of all before
 */
#include "run/plan.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "run/hash.h"

enum { MAX_LINE = 128 };

/* Writing. ------------------------------------------------------------------------------------ */

/* Text into a buffer that may be too small: `used` counts all of it. */
typedef struct writer {
    char *text;
    size_t size, used;
} writer;

static void put(writer *w, const char *format, ...) LOP_PRINTF(2, 3);

static void put(writer *w, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    bool room = w->used < w->size;
    int length =
        vsnprintf(room ? w->text + w->used : NULL, room ? w->size - w->used : 0, format, arguments);
    va_end(arguments);
    w->used += length > 0 ? (size_t)length : 0;
}

/* A library with other kernels may choose better; so does one in which others are registered. */
static uint64_t kernels_sum(void)
{
    uint64_t sum = LOPI_HASH_START;
    const lopi_kernel *kernel;
    for (size_t i = 0; (kernel = lopi_kernel_at(i)); i++)
        sum = lopi_hash(sum, kernel->name, strlen(kernel->name));
    return sum;
}

/* Lines that must be the same for a plan to fit: machine, network, options. */
static void put_header(writer *w, const lop_plan *plan)
{
    char cpu[64];
    lopi_cpu_name(cpu, sizeof cpu);
    put(w, "lop-plan 3\ncpu %s\nisa %s\n", cpu, lopi_isa_name(plan->isa));
    put(w, "kernels %016" PRIx64 "\n", kernels_sum());
    put(w, "network %016" PRIx64 "\n", plan->packed->checksum);
    static const char *const precisions[] = {[LOP_RUN_FLOAT32] = "float32",
                                             [LOP_RUN_INT8] = "int8",
                                             [LOP_RUN_BF16] = "bf16",
                                             [LOP_RUN_FP16] = "fp16"};
    put(w, "precision %s\n", precisions[lopi_plan_precision(plan)]);
    put(w, "dense %s\n", plan->dense ? "yes" : "no");
}

static double ns_of(const lopi_class *class, size_t layer)
{
    const char *name = class->steps[layer]->kernel->name;
    for (size_t i = 0; i < class->candidate_counts[layer]; i++)
        if (strcmp(class->candidates[layer][i].kernel, name) == 0)
            return class->candidates[layer][i].ns;
    return 0;
}

static void put_layer(writer *w, const lopi_class *class, size_t layer)
{
    const char *chosen = class->steps[layer]->kernel->name;
    put(w, "%s %.0f %zu\n", chosen, ns_of(class, layer), class->steps[layer]->bytes);
    for (size_t i = 0; i < class->candidate_counts[layer]; i++) {
        const lop_plan_candidate *c = &class->candidates[layer][i];
        if (strcmp(c->kernel, chosen) != 0)
            put(w, " %s %.0f %zu\n", c->kernel, c->ns, c->bytes);
    }
}

size_t lop_plan_text(const lop_plan *plan, char *text, size_t size)
{
    writer w = {text, text ? size : 0, 0};
    put_header(&w, plan);
    put(&w, "measured %s\n", plan->sampled ? "samples" : plan->measured ? "yes" : "no");
    for (size_t c = 0; c < plan->class_count; c++) {
        const lopi_class *class = &plan->classes[c];
        put(&w, "class %zu %.0f\n", class->batch, class->ns);
        for (size_t l = 0; l < plan->packed->layer_count; l++)
            put_layer(&w, class, l);
    }
    /* Where the text was cut short the sum is not of all of it, and nobody sees it. */
    size_t body = w.used < w.size ? w.used : 0;
    put(&w, "sum %016" PRIx64 "\n", lopi_hash(LOPI_HASH_START, text, body));
    return w.used + 1;
}

/* Reading. ------------------------------------------------------------------------------------ */

typedef struct reader {
    const char *at;
    size_t line; /* of `text`, from 1 */
    char text[MAX_LINE];
} reader;

static lop_status damaged(const reader *r, lop_error *error)
{
    return lopi_fail_line(error, LOP_E_FORMAT, NULL, r->line,
                          "the saved plan is damaged; plan anew");
}

static bool next_line(reader *r)
{
    size_t length = strcspn(r->at, "\n");
    r->line++;
    if (r->at[length] != '\n' || length >= sizeof r->text)
        return false;
    memcpy(r->text, r->at, length);
    r->text[length] = 0;
    r->at += length + 1;
    return true;
}

/* A decimal number that ends the line. */
static bool read_number(const char *text, uint64_t *out)
{
    char *end = NULL;
    if (!isdigit((unsigned char)text[0]))
        return false;
    *out = strtoull(text, &end, 10);
    return *end == 0;
}

static lop_status check_sum(const char *text, lop_error *error)
{
    const char *last = strstr(text, "\nsum ");
    char expected[32];
    if (last)
        snprintf(expected, sizeof expected, "sum %016" PRIx64 "\n",
                 lopi_hash(LOPI_HASH_START, text, (size_t)(last + 1 - text)));
    if (!last || strcmp(last + 1, expected) != 0)
        return lopi_fail(error, LOP_E_FORMAT,
                         "the saved plan is damaged: its checksum is not that of its text; plan "
                         "anew");
    return LOP_OK;
}

/* The lines of put_header, each compared with what this plan would have. */
static lop_status check_header(reader *r, const lop_plan *plan, lop_error *error)
{
    char header[512];
    writer w = {header, sizeof header, 0};
    put_header(&w, plan);
    reader wanted = {.at = header};
    while (next_line(&wanted)) {
        if (!next_line(r))
            return damaged(r, error);
        if (strcmp(r->text, wanted.text) == 0)
            continue;
        bool network = strncmp(wanted.text, "network ", strlen("network ")) == 0;
        return lopi_fail(error, network ? LOP_E_SHAPE : LOP_E_UNSUPPORTED,
                         "the saved plan is for another machine, network or use: expected '%s', "
                         "found '%s'; plan anew",
                         wanted.text, r->text);
    }
    return LOP_OK;
}

/* "KERNEL NS BYTES": a way to compute a layer. */
static lop_status read_candidate(const reader *r, const char *text, const lop_plan *plan,
                                 const lopi_layer *layer, const lopi_kernel **out,
                                 lop_plan_candidate *candidate, lop_error *error)
{
    char name[MAX_LINE];
    uint64_t ns, bytes;
    size_t length = strcspn(text, " ");
    const char *numbers = text + length + (text[length] == ' ');
    char *end = NULL;
    memcpy(name, text, length);
    name[length] = 0;
    if (!isdigit((unsigned char)numbers[0]))
        return damaged(r, error);
    ns = strtoull(numbers, &end, 10);
    if (*end != ' ' || !read_number(end + 1, &bytes) || bytes > SIZE_MAX)
        return damaged(r, error);
    const lopi_kernel *kernel = lopi_kernel_find(name);
    if (!kernel || kernel->arithmetic != plan->arithmetic || !lopi_plan_allows(plan, kernel) ||
        !lopi_isa_has(plan->isa, kernel->isa) || (kernel->fits && !kernel->fits(layer)))
        return lopi_fail_line(error, LOP_E_UNSUPPORTED, NULL, r->line,
                              "the saved plan uses '%s', which cannot be used here; plan anew",
                              name);
    *out = kernel;
    *candidate = (lop_plan_candidate){kernel->name, (double)ns, (size_t)bytes};
    return LOP_OK;
}

static int compare_candidates(const void *a, const void *b)
{
    double x = ((const lop_plan_candidate *)a)->ns, y = ((const lop_plan_candidate *)b)->ns;
    return (x > y) - (x < y);
}

/* One layer: what was chosen, and behind it, indented, what was not. */
static lop_status read_step(reader *r, lop_plan *plan, const lopi_layers *layers, lopi_class *class,
                            size_t layer, lop_error *error)
{
    const lopi_layer *view = &layers->layer[layer];
    const lopi_kernel *kernel, *other;
    lop_plan_candidate chosen;
    if (!next_line(r))
        return damaged(r, error);
    lop_status status = read_candidate(r, r->text, plan, view, &kernel, &chosen, error);
    if (status == LOP_OK)
        status = lopi_plan_lay(plan, layers, layer, kernel, &class->steps[layer], error);
    if (status != LOP_OK)
        return status;
    chosen.bytes = class->steps[layer]->bytes;
    size_t count = 1;
    for (const char *line = r->at; *line == ' '; line += strcspn(line, "\n") + 1)
        count++; /* the last line is the sum, so there is a line behind each of these */
    lop_plan_candidate *list = lopi_alloc(count, sizeof *list);
    if (!list)
        return lopi_fail_memory(error, count * sizeof *list);
    class->candidates[layer] = list;
    list[0] = chosen;
    for (size_t i = 1; i < count; i++) {
        if (!next_line(r))
            return damaged(r, error);
        status = read_candidate(r, r->text + 1, plan, view, &other, &list[i], error);
        if (status != LOP_OK)
            return status;
    }
    class->candidate_counts[layer] = count;
    qsort(list, count, sizeof *list, compare_candidates);
    return LOP_OK;
}

static lop_status read_class(reader *r, lop_plan *plan, const lopi_layers *layers,
                             lopi_class *class, lop_error *error)
{
    char start[MAX_LINE];
    int length = snprintf(start, sizeof start, "class %zu ", class->batch);
    uint64_t ns;
    if (!next_line(r))
        return damaged(r, error);
    if (strncmp(r->text, start, (size_t)length) != 0)
        return lopi_fail_line(
            error, LOP_E_UNSUPPORTED, NULL, r->line,
            "the saved plan is for other batches: expected '%s', found '%s'; plan "
            "anew",
            start, r->text);
    if (!read_number(r->text + length, &ns))
        return damaged(r, error);
    class->ns = (double)ns;
    for (size_t l = 0; l < layers->count; l++) {
        lop_status status = read_step(r, plan, layers, class, l, error);
        if (status != LOP_OK)
            return status;
    }
    return LOP_OK;
}

lop_status lopi_plan_restore(lop_plan *plan, const lopi_layers *layers, const char *text,
                             lop_error *error)
{
    reader r = {.at = text};
    lop_status status = check_sum(text, error);
    if (status == LOP_OK)
        status = check_header(&r, plan, error);
    if (status != LOP_OK)
        return status;
    if (!next_line(&r))
        return damaged(&r, error);
    plan->sampled = strcmp(r.text, "measured samples") == 0;
    plan->measured = plan->sampled || strcmp(r.text, "measured yes") == 0;
    if (!plan->measured && strcmp(r.text, "measured no") != 0)
        return damaged(&r, error);
    for (size_t c = 0; c < plan->class_count; c++) {
        status = read_class(&r, plan, layers, &plan->classes[c], error);
        if (status != LOP_OK)
            return status;
    }
    /* A plan for larger batches has classes that are not asked for here. */
    if (strncmp(r.at, "sum ", 4) != 0)
        return lopi_fail(error, LOP_E_UNSUPPORTED,
                         "the saved plan is for larger batches than are asked for; plan anew");
    return LOP_OK;
}
