#include "bench_show.h"

#include <math.h>
#include <string.h>

#include <lop/machine.h>

#include "json_text.h"

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

static void show_singles(const bench_findings *f)
{
    printf("\n%5s %10s  %-32s %10s %7s\n", "batch", "planned us", "best single kernel", "us",
           "ratio");
    for (size_t b = 0; b < BENCH_BATCHES; b++)
        if (f->single[b].kernel[0])
            printf("%5zu %10.1f  %-32s %10.1f %7.3f\n", bench_batches[b], f->single[b].planned_us,
                   f->single[b].kernel, f->single[b].single_us, f->single[b].ratio);
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
    printf("energy: %.2f uJ a sample, dense %.2f; %s\n", f->energy[FORM_PLANNED].microjoules,
           f->energy[FORM_DENSE].microjoules, lop_energy_source());
    double joules = f->times[0][0][FORM_PLANNED].joules;
    if (isfinite(joules))
        printf("        %.2f uJ a sample measured, the whole processor\n", 1e6 * joules);
    printf("first answer: %.1f ms after opening, %.1f with the kept plan; decoding takes %.1f\n",
           f->start.open_ms + f->start.plan_ms, f->start.open_ms + f->start.restore_ms,
           f->start.open_ms);
    if (r->show_plan) {
        show_candidates(r->plan, r->packed);
        show_singles(f);
    }
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

static json_t *energy_json(const bench_findings *f)
{
    const lop_energy *own = &f->energy[FORM_PLANNED];
    return json_pack("{s:s, s:f, s:f, s:f, s:f}", "source", lop_energy_source(), "products",
                     own->products, "weight_bytes", own->weight_bytes, "microjoules_per_sample",
                     own->microjoules, "dense_microjoules_per_sample",
                     f->energy[FORM_DENSE].microjoules);
}

static json_t *start_json(const bench_start_times *start)
{
    return json_pack("{s:f, s:f, s:f}", "open_ms", start->open_ms, "first_answer_ms",
                     start->open_ms + start->plan_ms, "first_answer_kept_plan_ms",
                     start->open_ms + start->restore_ms);
}

static json_t *singles_json(const bench_findings *f)
{
    json_t *list = json_array();
    for (size_t b = 0; b < BENCH_BATCHES; b++)
        if (f->single[b].kernel[0])
            json_array_append_new(list, json_pack("{s:I, s:f, s:s, s:f, s:f}", "batch",
                                                  (json_int_t)bench_batches[b], "planned_us",
                                                  f->single[b].planned_us, "kernel",
                                                  f->single[b].kernel, "us", f->single[b].single_us,
                                                  "ratio", f->single[b].ratio));
    return list;
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
    json_object_set_new(object, "energy_estimate", energy_json(f));
    json_object_set_new(object, "start", start_json(&f->start));
    json_object_set_new(object, "plan", plan_json(r));
    if (r->show_plan)
        json_object_set_new(object, "single_kernels", singles_json(f));
    return show_json(object, error);
}
