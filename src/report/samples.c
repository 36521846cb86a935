#include "report/samples.h"
#include "report/json.h"

#include <string.h>

#include <lop/run.h>

#include "base/memory.h"
#include "report/base64.h"

enum {
    LOOKED_AT = 2000,  /* test samples that a choice is made from */
    OFFERED = 96,      /* of a data set */
    WRONG_OF_EACH = 8, /* that a network gets wrong */
    AT_ONCE = 100,     /* samples of a run */
    LARGEST_SIDE = 64, /* of an image */
    MOST_CLASSES = 256
};

typedef struct choice {
    const lop_samples *samples;
    size_t side, looked_at;
    bool *taken; /* [looked_at] */
    uint32_t index[OFFERED];
    size_t count;
} choice;

const lop_dataset *lopi_report_dataset(const lop_report_options *options, const char *name)
{
    for (size_t i = 0; name && i < options->dataset_count; i++)
        if (strcmp(lop_dataset_name(options->datasets[i]), name) == 0)
            return options->datasets[i];
    return NULL;
}

static void take(choice *c, size_t sample)
{
    if (c->count == OFFERED || c->taken[sample])
        return;
    c->taken[sample] = true;
    c->index[c->count++] = (uint32_t)sample;
}

static size_t largest(const float *values, size_t count)
{
    size_t best = 0;
    for (size_t i = 1; i < count; i++)
        if (values[i] > values[best])
            best = i;
    return best;
}

/* Some samples that a network gets wrong; what cannot be planned gets none wrong. */
static void take_wrong(choice *c, const lop_packed *packed, const lop_report_options *options)
{
    const lop_plan_options how = {.max_batch = AT_ONCE, .isa = options->isa};
    size_t width = lop_packed_outputs(packed), wrong = 0, features = c->samples->features;
    lop_plan *plan = NULL;
    if (lop_packed_inputs(packed) != features || width > MOST_CLASSES ||
        lop_plan_new(&plan, packed, &how, NULL) != LOP_OK)
        return;
    size_t size = lop_plan_workspace(plan);
    void *workspace = lopi_alloc_aligned(size, 1);
    float *y = lopi_alloc(AT_ONCE * width, sizeof *y);
    for (size_t first = 0; workspace && y && first < c->looked_at && wrong < WRONG_OF_EACH;
         first += AT_ONCE) {
        size_t count = c->looked_at - first < AT_ONCE ? c->looked_at - first : AT_ONCE;
        if (lop_plan_run_bytes(plan, c->samples->bytes + first * features, count, y, workspace,
                               size, NULL) != LOP_OK)
            break;
        for (size_t i = 0; i < count && wrong < WRONG_OF_EACH; i++)
            if (largest(y + i * width, width) != c->samples->labels[first + i]) {
                wrong += !c->taken[first + i];
                take(c, first + i);
            }
    }
    lopi_free(y);
    lopi_free(workspace);
    lop_plan_free(plan);
}

/* The rest: of each class alike, in order. */
static void fill_up(choice *c)
{
    size_t of_class[MOST_CLASSES] = {0}, classes = c->samples->classes;
    for (size_t most = 1; c->count < OFFERED && most <= OFFERED; most++)
        for (size_t i = 0; i < c->looked_at; i++) {
            size_t class = c->samples->labels[i];
            if (class >= classes || class >= MOST_CLASSES || c->taken[i] || of_class[class] >= most)
                continue;
            of_class[class]++;
            take(c, i);
        }
}

static json_t *choice_json(const choice *c, size_t block)
{
    size_t features = c->samples->features;
    uint8_t *pixels = lopi_alloc(c->count * features, 1), labels[OFFERED];
    if (!pixels)
        return NULL;
    for (size_t i = 0; i < c->count; i++) {
        memcpy(pixels + i * features, c->samples->bytes + c->index[i] * features, features);
        labels[i] = (uint8_t)c->samples->labels[c->index[i]];
    }
    json_t *object = json_object();
    bool ok = lopi_json_set(object, "block", json_integer((json_int_t)block)) &&
              lopi_json_set(object, "side", json_integer((json_int_t)c->side)) &&
              lopi_json_set(object, "count", json_integer((json_int_t)c->count)) &&
              lopi_json_set(object, "labels", lopi_base64_json(labels, c->count)) &&
              lopi_json_set(object, "pixels", lopi_base64_json(pixels, c->count * features));
    lopi_free(pixels);
    if (ok)
        return object;
    json_decref(object);
    return NULL;
}

/* The samples of one block, or an absent value: *ok tells apart what failed. */
static json_t *block_json(const lopi_view *view, size_t block, const lopi_shown_networks *networks,
                          const lop_report_options *options, bool *ok)
{
    const lop_dataset *dataset = lopi_report_dataset(options, view->blocks[block].dataset);
    choice c = {.samples = dataset ? lop_dataset_test(dataset) : NULL};
    bool any = false;
    for (size_t i = 0; i < networks->count; i++)
        any = any || (networks->items[i].block == block && networks->items[i].packed);
    if (!any || !c.samples || !c.samples->bytes || !c.samples->labels)
        return NULL;
    c.side = c.samples->height;
    if (c.side > LARGEST_SIDE || c.samples->width != c.side ||
        c.side * c.side != c.samples->features || c.samples->classes > MOST_CLASSES)
        return NULL;
    c.looked_at = c.samples->count < LOOKED_AT ? c.samples->count : LOOKED_AT;
    c.taken = lopi_alloc(c.looked_at, sizeof *c.taken);
    *ok = c.taken != NULL;
    if (!*ok)
        return NULL;
    for (size_t i = 0; i < networks->count; i++)
        if (networks->items[i].block == block && networks->items[i].packed &&
            networks->items[i].same == i)
            take_wrong(&c, networks->items[i].packed, options);
    fill_up(&c);
    json_t *json = choice_json(&c, block);
    *ok = json != NULL;
    lopi_free(c.taken);
    return json;
}

json_t *lopi_samples_json(const lopi_view *view, const lopi_shown_networks *networks,
                          const lop_report_options *options)
{
    json_t *array = json_array();
    bool ok = array != NULL;
    for (size_t b = 0; ok && b < view->count; b++) {
        json_t *samples = block_json(view, b, networks, options, &ok);
        if (samples)
            ok = json_array_append_new(array, samples) == 0;
    }
    if (ok)
        return array;
    json_decref(array);
    return NULL;
}
