/* lop itself, as a program that embeds it would do: packed, written as a file's bytes, opened,
 * planned by measuring. */
#include <stdio.h>
#include <stdlib.h>

#include "contender.h"

typedef struct packed_state {
    lop_packed *packed;
    lop_plan *plan;
    void *workspace;
    size_t workspace_bytes;
    const peer_job *job;
    bool bytes;
} packed_state;

static void shut(void *state)
{
    packed_state *s = state;
    free(s->workspace);
    lop_plan_free(s->plan);
    lop_packed_free(s->packed);
    free(s);
}

static lop_status pack(lop_packed **out, const peer_net *contest, lop_error *error)
{
    lop_packed *packed = NULL;
    uint8_t *file = NULL;
    size_t size = 0;
    const lop_pack_options how = {.samples = lop_dataset_train(contest->dataset)};
    lop_status status = lop_pack(&packed, contest->network, &how, error);
    if (status == LOP_OK)
        status = lop_packed_encode(packed, &file, &size, error);
    if (status == LOP_OK)
        status = lop_packed_open(out, file, size, 0, error);
    free(file);
    lop_packed_free(packed);
    return status;
}

static lop_status open_as(void **state, const peer_job *job, lop_run_precision precision,
                          const char *isa, lop_error *error)
{
    packed_state *s = calloc(1, sizeof *s);
    if (!s)
        return fail(error, LOP_E_MEMORY, "out of memory");
    s->job = job;
    s->bytes = precision == LOP_RUN_INT8;
    const lop_samples *train = lop_dataset_train(job->contest->dataset);
    const lop_plan_options how = {.precision = precision,
                                  .samples = {train->bytes, train->floats, train->count},
                                  .threads = job->threads,
                                  .max_batch = job->batch,
                                  .min_batch = job->batch < 128 ? job->batch : 128,
                                  .measure = true,
                                  .isa = isa};
    lop_status status = pack(&s->packed, job->contest, error);
    if (status == LOP_OK)
        status = lop_plan_new(&s->plan, s->packed, &how, error);
    if (status == LOP_OK) {
        s->workspace_bytes = lop_plan_workspace(s->plan);
        s->workspace = aligned_alloc(64, s->workspace_bytes);
        if (!s->workspace)
            status = fail(error, LOP_E_MEMORY, "out of memory");
    }
    if (status == LOP_OK)
        *state = s;
    else
        shut(s);
    return status;
}

static lop_status open_int8(void **state, const peer_job *job, lop_error *error)
{
    return open_as(state, job, LOP_RUN_INT8, NULL, error);
}

static lop_status open_float32(void **state, const peer_job *job, lop_error *error)
{
    return open_as(state, job, LOP_RUN_FLOAT32, NULL, error);
}

static lop_status open_avx2(void **state, const peer_job *job, lop_error *error)
{
    return open_as(state, job, LOP_RUN_INT8, "avx2", error);
}

static lop_status run(void *state, size_t set, float *y, lop_error *error)
{
    const packed_state *s = state;
    const peer_job *job = s->job;
    return s->bytes ? lop_plan_run_bytes(s->plan, job_bytes(job, set), job->batch, y, s->workspace,
                                         s->workspace_bytes, error)
                    : lop_plan_run(s->plan, job_floats(job, set), job->batch, y, s->workspace,
                                   s->workspace_bytes, error);
}

/* The class whose pieces a run of the job's batch is computed in. */
static size_t class_of(const packed_state *s, const lop_plan_facts *facts)
{
    size_t best = 0;
    double least = 0;
    for (size_t c = 0; c < facts->classes; c++) {
        lop_plan_choice choice;
        if (lop_plan_choice_get(s->plan, c, 0, &choice, NULL) != LOP_OK)
            continue;
        size_t pieces = (s->job->batch + choice.batch - 1) / choice.batch;
        size_t rounds = (pieces + facts->threads - 1) / facts->threads;
        double ns = (double)rounds * choice.total_ns;
        if (c == 0 || ns < least) {
            least = ns;
            best = c;
        }
    }
    return best;
}

/* The plan: each layer's kernel, the bytes it lays out, the products with weights of a sample, and
 * the share of its inputs that are not zero. */
static void describe(const void *state)
{
    const packed_state *s = state;
    lop_plan_facts facts;
    lop_plan_facts_get(s->plan, &facts);
    printf(", \"plan\": [");
    for (size_t l = 0, class = class_of(s, &facts); l < facts.layers; l++) {
        lop_plan_choice choice;
        lop_packed_layer layer;
        if (lop_plan_choice_get(s->plan, class, l, &choice, NULL) == LOP_OK &&
            lop_packed_layer_get(s->packed, l, &layer, NULL) == LOP_OK)
            printf("%s{\"kernel\": \"%s\", \"bytes\": %zu, \"products\": %zu, \"input_density\": "
                   "%.4f}",
                   l ? ", " : "", choice.chosen.kernel, choice.chosen.bytes, choice.products,
                   (double)layer.input_density);
    }
    printf("]");
}

const peer_engine engine_lop_int8 = {
    "lop-int8", {"measured plan, images as bytes"}, open_int8, run, shut, describe};
const peer_engine engine_lop_float32 = {"lop-float32", {"measured plan"}, open_float32, run,
                                        shut,          describe};
const peer_engine engine_lop_avx2 = {
    "lop-int8-avx2", {"measured plan among AVX2's kernels, images as bytes"}, open_avx2, run, shut,
    describe};
