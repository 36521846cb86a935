#include "bench_show.h"

#include <math.h>
#include <string.h>

#include <lop/machine.h>

/* Energy of one operation in 45 nm, picojoules, as published by Horowitz ("Computing's energy
 * problem", ISSCC 2014) and in table 1 of Han et al. ("Learning both weights and connections",
 * 2015). Weights are taken to come from on-chip memory in words of four bytes. */
static const double int8_multiply_pj = 0.2, float_multiply_pj = 3.7, word_read_pj = 5;
static const char energy_source[] = "estimate: 45 nm, 0.2 pJ an int8 and 3.7 pJ a float32 product, "
                                    "5 pJ for four bytes from on-chip "
                                    "memory (Horowitz, ISSCC 2014; Han et al. 2015)";

typedef struct energy {
    double products, bytes, nanojoules;
} energy;

/* Of one sample: the weights that are left, or all of them, and the bytes that hold them. */
static energy estimate(const bench_report *r, bool dense)
{
    bool int8 = r->findings->facts[FORM_PLANNED].precision == LOP_RUN_INT8;
    energy e = {0};
    for (size_t l = 0; l < lop_packed_layer_count(r->packed); l++) {
        lop_packed_layer layer;
        lop_plan_choice choice;
        if (lop_packed_layer_get(r->packed, l, &layer, NULL) != LOP_OK ||
            lop_plan_choice_get(r->plan, 0, l, &choice, NULL) != LOP_OK)
            continue;
        double whole = (double)layer.outputs * (double)layer.inputs;
        e.products += dense ? whole : (double)layer.weights_left;
        e.bytes += dense ? whole * (int8 ? 1 : 4) : (double)choice.chosen.bytes;
    }
    e.nanojoules = 1e-3 * (e.products * (int8 ? int8_multiply_pj : float_multiply_pj) +
                           e.bytes / 4 * word_read_pj);
    return e;
}

static size_t weights_left(const lop_packed *packed, size_t *all)
{
    size_t left = 0;
    *all = 0;
    for (size_t l = 0; l < lop_packed_layer_count(packed); l++) {
        lop_packed_layer layer;
        if (lop_packed_layer_get(packed, l, &layer, NULL) != LOP_OK)
            continue;
        left += layer.weights_left;
        *all += layer.outputs * layer.inputs;
    }
    return left;
}

/* For people. --------------------------------------------------------------------------------- */

static void show_times(const bench_findings *f)
{
    printf("\n%7s %5s %10s %19s %12s", "threads", "batch", "us", "5 % .. 95 %", "samples/s");
    printf("  dense %s", f->forms[FORM_DENSE]);
    if (f->forms[FORM_DENSE_FLOAT32])
        printf("  dense %s", f->forms[FORM_DENSE_FLOAT32]);
    printf("\n");
    for (size_t t = 0; t < f->teams; t++)
        for (size_t b = 0; b < BENCH_BATCHES; b++) {
            const bench_times *times = f->times[t][b], *own = &times[FORM_PLANNED];
            char spread[40];
            snprintf(spread, sizeof spread, "%.1f .. %.1f", own->low_us, own->high_us);
            printf("%7zu %5zu %10.1f %19s %12.0f", f->threads[t], bench_batches[b], own->median_us,
                   spread, 1e6 * (double)bench_batches[b] / own->median_us);
            for (size_t form = FORM_DENSE; form < FORM_COUNT; form++)
                if (f->forms[form])
                    printf(" %*.1fx", (int)(6 + strlen(f->forms[form])),
                           times[form].median_us / own->median_us);
            printf("\n");
        }
}

static void show_candidates(const lop_plan *plan, const lop_packed *packed)
{
    lop_plan_facts facts;
    lop_plan_facts_get(plan, &facts);
    printf("\n%5s %-12s %-32s %12s %10s\n", "batch", "layer", "kernel", "ns", "bytes");
    for (size_t c = 0; c < facts.classes; c++)
        for (size_t l = 0; l < facts.layers; l++) {
            lop_plan_choice choice;
            lop_packed_layer layer;
            if (lop_plan_choice_get(plan, c, l, &choice, NULL) != LOP_OK ||
                lop_packed_layer_get(packed, l, &layer, NULL) != LOP_OK)
                continue;
            for (size_t i = 0; i < choice.candidate_count; i++) {
                const lop_plan_candidate *k = &choice.candidates[i];
                bool chosen = strcmp(k->kernel, choice.chosen.kernel) == 0;
                printf("%5zu %-12.12s %-32s %12.0f %10zu%s\n", choice.batch, layer.name, k->kernel,
                       k->ns, k->bytes, chosen ? "  <" : "");
            }
        }
}

void bench_show(const bench_report *r)
{
    const bench_findings *f = r->findings;
    const lop_plan_facts *own = &f->facts[FORM_PLANNED];
    char a[32], b[32];
    size_t all, left = weights_left(r->packed, &all);
    lop_machine machine;
    lop_machine_get(&machine);
    printf("%s: %s of %s weights, %s, %s, %s\n", r->path, grouped(left, a, sizeof a),
           grouped(all, b, sizeof b), f->forms[FORM_PLANNED], own->isa, machine.cpu);
    if (!f->real_data)
        printf("on drawn samples: no data set was named\n");
    show_times(f);
    printf("\nmemory: %s laid out, %s workspace; dense %s\n",
           sized(own->prepared_bytes, a, sizeof a), sized(own->workspace_bytes, b, sizeof b),
           f->facts[FORM_DENSE].prepared_bytes
               ? sized(f->facts[FORM_DENSE].prepared_bytes, (char[32]){0}, 32)
               : "");
    energy sparse = estimate(r, false), dense = estimate(r, true);
    printf("energy: %.2f uJ a sample, dense %.2f; %s\n", 1e-3 * sparse.nanojoules,
           1e-3 * dense.nanojoules, energy_source);
    double joules = f->times[0][0][FORM_PLANNED].joules;
    if (isfinite(joules))
        printf("        %.2f uJ a sample measured, the whole processor\n", 1e6 * joules);
    if (r->show_plan)
        show_candidates(r->plan, r->packed);
}

/* For programs. ------------------------------------------------------------------------------- */

static json_t *times_json(const bench_times *t, size_t batch)
{
    json_t *object = json_object();
    json_object_set_new(object, "us", json_real(t->median_us));
    json_object_set_new(object, "us_5", json_real(t->low_us));
    json_object_set_new(object, "us_95", json_real(t->high_us));
    json_object_set_new(object, "samples_per_second",
                        json_real(1e6 * (double)batch / t->median_us));
    if (isfinite(t->joules))
        json_object_set_new(object, "joules_per_sample", json_real(t->joules));
    return object;
}

static json_t *measurements_json(const bench_findings *f)
{
    static const char *const names[] = {
        [FORM_PLANNED] = "planned", [FORM_DENSE] = "dense", [FORM_DENSE_FLOAT32] = "dense_float32"};
    json_t *list = json_array();
    for (size_t t = 0; t < f->teams; t++)
        for (size_t b = 0; b < BENCH_BATCHES; b++) {
            json_t *row = json_object();
            json_object_set_new(row, "threads", json_integer((json_int_t)f->threads[t]));
            json_object_set_new(row, "batch", json_integer((json_int_t)bench_batches[b]));
            for (size_t form = 0; form < FORM_COUNT; form++)
                if (f->forms[form])
                    json_object_set_new(row, names[form],
                                        times_json(&f->times[t][b][form], bench_batches[b]));
            json_array_append_new(list, row);
        }
    return list;
}

static json_t *candidate_json(const lop_plan_candidate *candidate)
{
    return json_pack("{s:s, s:f, s:I}", "kernel", candidate->kernel, "ns", candidate->ns, "bytes",
                     (json_int_t)candidate->bytes);
}

static json_t *plan_json(const bench_report *r)
{
    json_t *list = json_array();
    lop_plan_facts facts;
    lop_plan_facts_get(r->plan, &facts);
    for (size_t c = 0; c < facts.classes; c++)
        for (size_t l = 0; l < facts.layers; l++) {
            lop_plan_choice choice;
            lop_packed_layer layer;
            if (lop_plan_choice_get(r->plan, c, l, &choice, NULL) != LOP_OK ||
                lop_packed_layer_get(r->packed, l, &layer, NULL) != LOP_OK)
                continue;
            json_t *row = json_pack("{s:I, s:s, s:s}", "batch", (json_int_t)choice.batch, "layer",
                                    layer.name, "kernel", choice.chosen.kernel);
            json_t *candidates = json_array();
            for (size_t i = 0; r->show_plan && i < choice.candidate_count; i++)
                json_array_append_new(candidates, candidate_json(&choice.candidates[i]));
            if (r->show_plan)
                json_object_set(row, "candidates", candidates);
            json_decref(candidates);
            json_array_append_new(list, row);
        }
    return list;
}

static json_t *energy_json(const bench_report *r)
{
    energy sparse = estimate(r, false), dense = estimate(r, true);
    return json_pack("{s:s, s:f, s:f, s:f, s:f}", "source", energy_source, "products",
                     sparse.products, "weight_bytes", sparse.bytes, "nanojoules_per_sample",
                     sparse.nanojoules, "dense_nanojoules_per_sample", dense.nanojoules);
}

lop_status bench_show_json(const bench_report *r, lop_error *error)
{
    const bench_findings *f = r->findings;
    const lop_plan_facts *own = &f->facts[FORM_PLANNED];
    size_t all, left = weights_left(r->packed, &all);
    lop_machine machine;
    lop_machine_get(&machine);
    json_t *object =
        json_pack("{s:s, s:s, s:s, s:s, s:b, s:I, s:I, s:I, s:I, s:I}", "file", r->path,
                  "precision", f->forms[FORM_PLANNED], "isa", own->isa, "cpu", machine.cpu,
                  "real_data", f->real_data, "weights_total", (json_int_t)all, "weights_left",
                  (json_int_t)left, "prepared_bytes", (json_int_t)own->prepared_bytes,
                  "dense_prepared_bytes", (json_int_t)f->facts[FORM_DENSE].prepared_bytes,
                  "workspace_bytes", (json_int_t)own->workspace_bytes);
    json_object_set_new(object, "threads", json_integer((json_int_t)f->threads[0]));
    json_object_set_new(object, "latency_us_batch1",
                        json_real(f->times[0][0][FORM_PLANNED].median_us));
    json_object_set_new(object, "dense_latency_us_batch1",
                        json_real(f->times[0][0][FORM_DENSE].median_us));
    json_object_set_new(object, "measurements", measurements_json(f));
    json_object_set_new(object, "energy_estimate", energy_json(r));
    json_object_set_new(object, "plan", plan_json(r));
    return show_json(object, error);
}
