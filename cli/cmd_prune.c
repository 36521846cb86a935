#include <stdlib.h>
#include <string.h>

#include <lop/exchange.h>
#include <lop/prune.h>

#include "commands.h"
#include "session.h"
#include "trained.h"

typedef struct values {
    common common; /* first */
    lop_granularity method;
    double sparsity;
    const char *criterion, *output;
    lop_scope scope;
    bool include_output, compact, overwrite;
} values;

static const option prune_options[] = {
    {.name = "method",
     .letter = 'm',
     .required = true,
     .kind = OPTION_NAME,
     .offset = offsetof(values, method),
     .name_at = name_method_at,
     .argument = "NAME",
     .help = "what is removed as one: weight or unit"},
    {.name = "sparsity",
     .letter = 'k',
     .required = true,
     .kind = OPTION_PERCENT,
     .offset = offsetof(values, sparsity),
     .most = 100,
     .below = true,
     .argument = "K",
     .help = "per cent to remove, 0 to below 100"},
    {.name = "criterion",
     .kind = OPTION_TEXT,
     .offset = offsetof(values, criterion),
     .argument = "NAME",
     .preset = "the method's first: magnitude, l2",
     .help = "what is scored"},
    {.name = "scope",
     .kind = OPTION_NAME,
     .offset = offsetof(values, scope),
     .name_at = name_scope_at,
     .argument = "NAME",
     .help = "ranked where: within each layer, or over all layers together"},
    {.name = "include-output",
     .kind = OPTION_FLAG,
     .offset = offsetof(values, include_output),
     .help = "prune the weights of the output layer too"},
    {.name = "compact",
     .kind = OPTION_FLAG,
     .offset = offsetof(values, compact),
     .help = "then remove physically what no longer has a part in the result"},
    {0},
};

static const option output_options[] = {
    {.name = "output",
     .letter = 'o',
     .required = true,
     .kind = OPTION_TEXT,
     .offer = OFFER_FILES,
     .offset = offsetof(values, output),
     .argument = "FILE",
     .help = "write the pruned network here"},
    {.name = "overwrite",
     .letter = 'f',
     .kind = OPTION_FLAG,
     .offset = offsetof(values, overwrite),
     .help = "overwrite FILE"},
    {0},
};

static const option_group groups[] = {
    {"Pruning", prune_options},
    {"Output", output_options},
    {0},
};

static const example examples[] = {
    {"lop prune net.safetensors --method weight --sparsity 90 -o p.safetensors",
     "the smallest 90 % of each layer's weights become zero"},
    {"lop prune net.safetensors -m unit -k 50 --compact -o small.safetensors",
     "half of each layer's units go, and the matrices shrink"},
    {0},
};

/* What the library writes itself is not handed on. */
static bool is_own_key(const char *key)
{
    static const char *const own[] = {"format", "lop.version", "lop.network", "lop.prune"};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (strcmp(own[i], key) == 0)
            return true;
    return false;
}

static char *prune_record(const values *v, const lop_criterion *criterion)
{
    json_t *object =
        json_pack("{s:s, s:s, s:s, s:f, s:b, s:b, s:I}", "method", lop_granularity_name(v->method),
                  "criterion", criterion->name, "scope", lop_scope_name(v->scope), "sparsity",
                  v->sparsity, "include_output", (int)v->include_output, "compact", (int)v->compact,
                  "seed", (json_int_t)v->common.seed);
    char *text = object ? json_dumps(object, JSON_REAL_PRECISION(15)) : NULL;
    json_decref(object);
    return text;
}

/* The parent's history stays with the network; how it was pruned joins it. */
static lop_status save(const values *v, const lop_network *network, const char *metadata,
                       const lop_criterion *criterion, lop_error *error)
{
    json_t *object = json_loads(metadata, 0, NULL), *value;
    const char *key;
    char *record = prune_record(v, criterion);
    lop_metadata *list = calloc(json_object_size(object) + 2, sizeof *list);
    lop_status status = LOP_OK;
    size_t count = 0;
    if (record && list) {
        json_object_foreach(object, key, value)
        {
            if (json_is_string(value) && !is_own_key(key))
                list[count++] = (lop_metadata){key, json_string_value(value)};
        }
        list[count++] = (lop_metadata){"lop.prune", record};
        status = lop_network_save(network, v->output, list, v->overwrite, error);
    } else {
        status = usage_error(error, LOP_E_MEMORY, "out of memory");
    }
    json_decref(object);
    free(record);
    free(list);
    return status;
}

static lop_status show_counts(session *s, const values *v, const lop_network *network,
                              const lop_count *count, lop_error *error)
{
    char left[32], total[32], effective[32];
    FILE *stream = strcmp(v->output, "-") == 0 ? stderr : stdout;
    if (s->common.json)
        return show_json(json_pack("{s:s, s:s, s:f, s:f, s:I, s:I, s:I, s:I}", "output", v->output,
                                   "method", lop_granularity_name(v->method), "target_sparsity",
                                   v->sparsity, "sparsity", count->sparsity, "weights_total",
                                   (json_int_t)count->weights, "weights_left",
                                   (json_int_t)count->weights_left, "effective_weights_left",
                                   (json_int_t)count->effective_weights_left, "bytes_sparse",
                                   (json_int_t)lop_sparse_bytes(network)),
                         error);
    fprintf(stream, "weights left  %s of %s (%.2f %%), %s of them with a part in the result\n",
            grouped(count->weights_left, left, sizeof left),
            grouped(count->weights, total, sizeof total),
            100.0 * (double)count->weights_left / (double)count->weights,
            grouped(count->effective_weights_left, effective, sizeof effective));
    fprintf(stream, "units left   ");
    for (size_t i = 0; i < count->layers; i++)
        fprintf(stream, " %zu/%zu", count->layer[i].units_left, count->layer[i].units);
    fprintf(stream, "\nas a file     %s sparse, %s dense\n",
            sized(lop_sparse_bytes(network), left, sizeof left),
            sized(lop_dense_bytes(network), total, sizeof total));
    return LOP_OK;
}

static lop_status prune(const values *v, const lop_criterion *criterion, lop_network **network,
                        lop_count *count, lop_error *error)
{
    lop_prune_options options = {
        .granularity = v->method,
        .criterion = criterion,
        .scope = v->scope,
        .sparsity = v->sparsity,
        .include_output = v->include_output,
        .seed = v->common.seed,
    };
    lop_network *compacted = NULL;
    lop_status status = lop_prune(*network, &options, error);
    if (status == LOP_OK)
        status = lop_count_network(*network, count, error);
    if (status == LOP_OK && v->compact)
        status = lop_compact(&compacted, *network, error);
    if (status == LOP_OK && compacted) {
        lop_network_free(*network);
        *network = compacted;
    }
    return status;
}

static lop_status run(session *s, void *given, lop_error *error)
{
    const values *v = given;
    const char *path = v->common.arguments[0];
    const lop_criterion *criterion = NULL;
    lop_network *network = NULL;
    lop_count count;
    char *metadata = NULL, name[512], data[512], data_name[512];
    lop_status status = lop_criterion_find(v->criterion, v->method, &criterion, error);
    if (status == LOP_OK && (status = lop_network_load(&network, path, &metadata, error)) != LOP_OK)
        blame(error, path);
    if (status == LOP_OK && (status = prune(v, criterion, &network, &count, error)) != LOP_OK)
        blame(error, path);
    if (status == LOP_OK)
        status = save(v, network, metadata, criterion, error);
    if (status == LOP_OK)
        status = show_counts(s, v, network, &count, error);
    if (status == LOP_OK && strcmp(v->output, "-") != 0)
        say_next(s, "lop eval %s --data %s", quoted(v->output, name, sizeof name),
                 quoted(trained_on(metadata, data, sizeof data), data_name, sizeof data_name));
    lop_network_free(network);
    free(metadata);
    return status;
}

const command command_prune = {
    .name = "prune",
    .summary = "remove weights or units from a network",
    .synopsis = "FILE --method NAME --sparsity K -o FILE [OPTIONS]",
    .description =
        "Remove K per cent of the weights, or of the units, of each layer: those of lowest score. "
        "The output layer is left alone unless asked for. Ties go to the lower index, so the same "
        "command always removes the same.\n\n"
        "Weights become zero and stay in the file; --compact takes out whole units that have no "
        "part in the result any more, and the network computes the same with smaller matrices.\n",
    .groups = groups,
    .examples = examples,
    .offer = OFFER_FILES,
    .least = 1,
    .most = 1,
    .values_size = sizeof(values),
    .seeded = true,
    .run = run,
};
