/* What the runtime chose for each layer, and why, for the page. */
#include <lop/plan_cache.h>

#include "report/json.h"
#include "report/networks.h"

enum { CANDIDATES_SHOWN = 6 };

/* The fastest candidates: [kernel, ns, bytes], the chosen one among them the first. */
static json_t *candidates_json(const lop_plan_choice *choice)
{
    json_t *array = json_array();
    for (size_t i = 0; array && i < choice->candidate_count && i < CANDIDATES_SHOWN; i++) {
        const lop_plan_candidate *candidate = choice->candidates + i;
        json_t *row =
            json_pack("[s, f, I]", candidate->kernel, candidate->ns, (json_int_t)candidate->bytes);
        if (json_array_append_new(array, row) != 0) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

static json_t *class_json(const lop_plan *plan, const lop_plan_facts *facts, size_t index)
{
    json_t *object = json_object(), *layers = json_array();
    bool ok = object && layers;
    lop_plan_choice choice = {0};
    for (size_t layer = 0; ok && layer < facts->layers; layer++) {
        ok = lop_plan_choice_get(plan, index, layer, &choice, NULL) == LOP_OK;
        json_t *row = json_object();
        ok = ok && lopi_json_set(row, "kernel", json_string(choice.chosen.kernel)) &&
             lopi_json_set(row, "ns", json_real(choice.chosen.ns)) &&
             lopi_json_set(row, "bytes", json_integer((json_int_t)choice.chosen.bytes)) &&
             lopi_json_set(row, "candidates", candidates_json(&choice)) &&
             json_array_append(layers, row) == 0;
        json_decref(row);
    }
    ok = ok && lopi_json_set(object, "batch", json_integer((json_int_t)choice.batch)) &&
         lopi_json_set(object, "ns", json_real(choice.total_ns)) &&
         json_object_set(object, "layers", layers) == 0;
    json_decref(layers);
    if (ok)
        return object;
    json_decref(object);
    return NULL;
}

json_t *lopi_plan_json(const lop_packed *packed, const lop_dataset *dataset,
                       const lop_report_options *wanted, bool measure)
{
    lop_plan *plan = NULL;
    const lop_samples *train = dataset ? lop_dataset_train(dataset) : NULL;
    lop_plan_options options = {.isa = wanted->isa, .max_batch = 1};
    const lop_data_options place = {.cache_dir = wanted->cache_dir};
    if (train && train->features == lop_packed_inputs(packed))
        options.samples = (lop_plan_samples){train->bytes, train->floats, train->count};
    lop_status status = measure
                            ? lop_plan_cached(&plan, packed, &options, &place, false, NULL, NULL)
                            : lop_plan_new(&plan, packed, &options, NULL);
    if (status != LOP_OK)
        return json_null();
    lop_plan_facts facts;
    lop_plan_facts_get(plan, &facts);
    json_t *object = json_object(), *classes = json_array();
    bool ok = object && classes && lopi_json_set(object, "isa", json_string(facts.isa)) &&
              lopi_json_set(object, "precision",
                            json_string(facts.precision == LOP_RUN_INT8 ? "int8" : "float32")) &&
              lopi_json_set(object, "prepared", json_integer((json_int_t)facts.prepared_bytes)) &&
              lopi_json_set(object, "measured", json_boolean(facts.measured));
    for (size_t i = 0; ok && i<facts.classes; i += facts.classes> 1 ? facts.classes - 1 : 1)
        ok = json_array_append_new(classes, class_json(plan, &facts, i)) == 0;
    ok = ok && json_object_set(object, "classes", classes) == 0;
    json_decref(classes);
    lop_plan_free(plan);
    if (ok)
        return object;
    json_decref(object);
    return NULL;
}
