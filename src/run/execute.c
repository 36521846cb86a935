/* A batch through a planned network: in pieces of the size of a class, each through all layers, so
 * that its activations stay in the caches. Threads share the pieces, or, where there is one piece
 * that takes long, the parts of each layer. */
#include "run/plan.h"

#include <stdatomic.h>

#include "base/error.h"
#include "base/memory.h"
#include "run/kernels/float_mode.h"
#include "run/reference.h"

/* Below this a piece is computed sooner than a second thread wakes up. */
static const double share_layers_ns = 200e3;

/* One piece on its way through the layers: what its team shares. */
typedef struct piece {
    const lop_plan *plan;
    const lopi_class *class;
    lopi_source source;
    size_t first, count; /* samples */
    float *y;            /* the network's, of all samples */
    uint8_t *buffer[2];
    uint8_t *flags;
    lopi_barrier *barrier;
} piece;

/* One member's view of its piece. */
typedef struct member {
    size_t index, count;
    void *scratch;
} member;

/* Outputs of samples whose inputs are not all finite, as a dense product has them: pruned weights
 * multiply too. */
static void redo_not_finite(const piece *p, size_t index, const lopi_values *x,
                            const lopi_values *y)
{
    const lopi_packed_layer *layer = &p->plan->packed->layers[index];
    const uint32_t *input_place = index > 0 ? p->plan->place[index - 1] : NULL;
    for (uint32_t u = 0; u < layer->outputs; u++) {
        uint32_t row = p->plan->place[index][u];
        for (size_t s = 0; s < p->count; s++) {
            if (p->flags[s])
                *(float *)lopi_values_at(y, row, s) =
                    lopi_reference_row(layer, u, input_place, x, s);
        }
    }
}

static void run_kernel(const piece *p, const member *m, const lopi_laid *step, const lopi_values *x,
                       const lopi_values *y)
{
    const lopi_kernel *kernel = step->kernel;
    size_t parts = kernel->parts(step->memory, p->count);
    lopi_call call = {
        .prepared = step->memory,
        .x = x->data,
        .x_stride = lopi_layout_stride(x->layout, x->features, x->size),
        .y = y->data,
        .y_stride = lopi_layout_stride(y->layout, y->features, y->size),
        .samples = p->count,
        .first = parts * m->index / m->count,
        .last = parts * (m->index + 1) / m->count,
        .scratch = m->scratch,
    };
    if (call.first < call.last)
        kernel->run(&call);
}

static void run_layers(const piece *p, const member *m)
{
    const lop_plan *plan = p->plan;
    const lop_packed *packed = plan->packed;
    lopi_values x = {p->buffer[0], p->class->steps[0]->kernel->layout, packed->inputs,
                     lopi_plan_size(plan, 0), p->count};
    size_t next = 1; /* the buffer that is free */
    if (m->index == 0)
        lopi_input_convert(&plan->input, p->source, p->first, p->count, x.layout, x.data);
    for (size_t l = 0; l < packed->layer_count; l++) {
        const lopi_laid *step = p->class->steps[l];
        if (step->kernel->layout.tile != x.layout.tile) {
            lopi_values turned = x;
            turned.layout = step->kernel->layout;
            turned.data = p->buffer[next];
            if (m->index == 0)
                lopi_values_relayout(&x, &turned);
            x = turned;
            next = !next;
        }
        lopi_values y = {p->buffer[next], x.layout, packed->layers[l].outputs,
                         lopi_plan_size(plan, l + 1), p->count};
        next = !next;
        bool redo = false;
        if (m->index == 0) {
            lopi_values_pad(&y);
            redo = plan->arithmetic == LOPI_F32 && lopi_values_not_finite(&x, p->flags);
        }
        lopi_barrier_wait(p->barrier, m->count);
        run_kernel(p, m, step, &x, &y);
        lopi_barrier_wait(p->barrier, m->count);
        if (redo) {
            redo_not_finite(p, l, &x, &y);
            lopi_values_pad(&y); /* where kernels have written 0 · NaN */
        }
        x = y;
    }
    if (m->index == 0)
        lopi_values_take(&x, p->y + p->first * packed->outputs);
}

void lopi_run_piece(const lop_plan *plan, const lopi_class *class, lopi_source source, size_t count,
                    float *y, const lopi_room *room)
{
    const piece p = {
        .plan = plan,
        .class = class,
        .source = source,
        .count = count,
        .y = y,
        .buffer = {room->buffer[0], room->buffer[1]},
        .flags = room->flags,
    };
    run_layers(&p, &(member){0, 1, room->scratch});
}

/* A run: what its threads share. */
typedef struct run {
    const lop_plan *plan;
    const lopi_class *class;
    lopi_source source;
    size_t batch, pieces;
    float *y;
    uint8_t *workspace;
    atomic_size_t next; /* piece that nobody has yet */
    bool share_layers;
    lopi_barrier barrier;
} run;

static piece piece_of(run *r, size_t index, uint8_t *space)
{
    const lop_plan *plan = r->plan;
    size_t first = index * r->class->batch;
    return (piece){
        .plan = plan,
        .class = r->class,
        .source = r->source,
        .first = first,
        .count = r->batch - first < r->class->batch ? r->batch - first : r->class->batch,
        .y = r->y,
        .buffer = {space, space + plan->buffer_bytes},
        .flags = space + 2 * plan->buffer_bytes + plan->scratch_bytes,
        .barrier = &r->barrier,
    };
}

static void work(void *context, size_t index, size_t count)
{
    run *r = context;
    const lop_plan *plan = r->plan;
    uint8_t *space = r->workspace + index * plan->worker_bytes;
    member m = {0, 1, space + 2 * plan->buffer_bytes};
    if (r->share_layers) { /* one piece, in the caller's buffers */
        m.index = index;
        m.count = count;
        piece p = piece_of(r, 0, r->workspace);
        run_layers(&p, &m);
        return;
    }
    size_t mine;
    while ((mine = atomic_fetch_add(&r->next, 1)) < r->pieces) {
        piece p = piece_of(r, mine, space);
        run_layers(&p, &m);
    }
}

/* The class that computes a batch soonest: pieces come in rounds, one for each thread. */
static const lopi_class *class_for(const lop_plan *plan, size_t batch)
{
    const lopi_class *best = NULL;
    double best_ns = 0;
    for (size_t c = 0; c < plan->class_count; c++) {
        const lopi_class *class = &plan->classes[c];
        size_t pieces = (batch + class->batch - 1) / class->batch;
        size_t rounds = (pieces + plan->threads - 1) / plan->threads;
        double ns = (double)rounds * class->ns;
        if (!best || ns < best_ns) {
            best = class;
            best_ns = ns;
        }
    }
    return best;
}

static lop_status run_source(const lop_plan *plan, lopi_source source, size_t batch, float *y,
                             void *workspace, size_t size, lop_error *error)
{
    if ((!source.floats && !source.bytes) || !y || !workspace)
        return lopi_fail(error, LOP_E_ARG,
                         "running a plan takes inputs, outputs and a workspace, found NULL");
    if (batch == 0)
        return lopi_fail(error, LOP_E_ARG, "expected a batch of at least one sample, found 0");
    if (size < lop_plan_workspace(plan) || (uintptr_t)workspace % LOPI_ALIGNMENT != 0)
        return lopi_fail(error, LOP_E_ARG,
                         "expected a workspace of %zu bytes at a multiple of %d, found %zu bytes",
                         lop_plan_workspace(plan), LOPI_ALIGNMENT, size);
    size_t inputs = plan->packed->inputs;
    if (source.floats && plan->arithmetic == LOPI_I8) {
        size_t at = lopi_find_nan(source.floats, batch * inputs);
        if (at < batch * inputs)
            return lopi_fail(error, LOP_E_NAN,
                             "sample %zu: value %zu is NaN, which int8 cannot hold", at / inputs,
                             at % inputs);
    }
    run r = {.plan = plan, .source = source, .batch = batch, .y = y, .workspace = workspace};
    r.class = class_for(plan, batch);
    r.pieces = (batch + r.class->batch - 1) / r.class->batch;
    r.share_layers = r.pieces == 1 && plan->threads > 1 && r.class->ns > share_layers_ns;
    bool team = r.share_layers || r.pieces > 1;
    uint64_t mode = lopi_float_mode_default();
    lopi_pool_run(team ? plan->pool : NULL, work, &r);
    lopi_float_mode_restore(mode);
    return LOP_OK;
}

lop_status lop_plan_run(const lop_plan *plan, const float *x, size_t batch, float *y,
                        void *workspace, size_t size, lop_error *error)
{
    return run_source(plan, (lopi_source){.floats = x}, batch, y, workspace, size, error);
}

lop_status lop_plan_run_bytes(const lop_plan *plan, const uint8_t *x, size_t batch, float *y,
                              void *workspace, size_t size, lop_error *error)
{
    return run_source(plan, (lopi_source){.bytes = x}, batch, y, workspace, size, error);
}
