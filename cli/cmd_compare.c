#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "json_text.h"
#include "report_files.h"
#include "session.h"

static const option_group groups[] = {{0}};

static const example examples[] = {
    {"lop compare out", "which way of pruning keeps most, at each size"},
    {"lop compare gradual lottery --json", "two sweeps beside each other, as JSON"},
    {0},
};

/* What several directories hold, in one list; the results are taken over. */
static lop_status append(lop_results *all, lop_results *more, lop_error *error)
{
    lop_result *items = realloc(all->items, (all->count + more->count + 1) * sizeof *items);
    if (!items)
        return usage_error(error, LOP_E_MEMORY, "out of memory");
    if (more->count > 0)
        memcpy(items + all->count, more->items, more->count * sizeof *items);
    all->items = items;
    all->count += more->count;
    free(more->items);
    *more = (lop_results){0};
    return LOP_OK;
}

/* Whether both hold a result of the same point: then they are two ways that have one name. */
static bool collide(const lop_results *a, const lop_results *b)
{
    for (size_t i = 0; i < a->count; i++)
        for (size_t j = 0; j < b->count; j++)
            if (lop_result_same(&a->items[i], &b->items[j]))
                return true;
    return false;
}

static lop_status name_directory(lop_results *results, const char *path, lop_error *error)
{
    lop_status status = LOP_OK;
    for (size_t i = 0; status == LOP_OK && i < results->count; i++) {
        char schedule[256];
        snprintf(schedule, sizeof schedule, "%.60s in %.120s",
                 results->items[i].schedule ? results->items[i].schedule : "", path);
        status = lop_result_set_text(&results->items[i].schedule, schedule, error);
    }
    return status;
}

static lop_status load(session *s, const common *given, lop_results *all, lop_error *error)
{
    lop_hooks hooks = session_hooks(s);
    lop_status status = LOP_OK;
    for (size_t i = 0; status == LOP_OK && i < given->argument_count; i++) {
        lop_results one = {0};
        char *path = results_path(given->arguments[i]);
        status = path ? lop_results_load(&one, path, &hooks, error)
                      : usage_error(error, LOP_E_MEMORY, "out of memory");
        if (status == LOP_OK && collide(all, &one))
            status = name_directory(&one, given->arguments[i], error);
        if (status == LOP_OK)
            status = append(all, &one, error);
        lop_results_free(&one);
        free(path);
    }
    return status;
}

static json_t *rank_object(const lop_rank *rank)
{
    json_t *object = json_pack(
        "{s:s, s:s, s:f, s:I, s:s, s:f, s:f, s:I}", "dataset", rank->dataset, "network",
        rank->network, "share", rank->share, "rank", (json_int_t)rank->rank, "name", rank->name,
        "test_accuracy", rank->accuracy, "test_loss", rank->loss, "seeds", (json_int_t)rank->seeds);
    if (object && isfinite(rank->accuracy_deviation))
        json_object_set_new(object, "test_accuracy_deviation", json_real(rank->accuracy_deviation));
    if (object && isfinite(rank->loss_deviation))
        json_object_set_new(object, "test_loss_deviation", json_real(rank->loss_deviation));
    return object;
}

static lop_status show(session *s, const lop_rank *ranks, size_t count, lop_error *error)
{
    lop_report_options options = report_options(s, NULL);
    if (!s->common.json)
        return lop_report_ranking(ranks, count, &options, stdout, error);
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, rank_object(&ranks[i]));
    return show_json(json_pack("{s:o}", "ranks", list), error);
}

static lop_status run(session *s, void *given, lop_error *error)
{
    const common *values = given;
    lop_results results = {0};
    lop_rank *ranks = NULL;
    char name[512];
    size_t count = 0;
    lop_status status = load(s, values, &results, error);
    if (status == LOP_OK)
        status = lop_compare(&results, &ranks, &count, error);
    if (status == LOP_OK && count == 0)
        status = usage_error(error, LOP_E_FORMAT,
                             "expected results of pruned networks, with 50 %% of the weights left "
                             "or fewer; found none");
    if (status == LOP_OK)
        status = show(s, ranks, count, error);
    if (status == LOP_OK)
        say_next(s, "lop report %s", quoted(values->arguments[0], name, sizeof name));
    free(ranks);
    lop_results_free(&results);
    return status;
}

const command command_compare = {
    .name = "compare",
    .summary = "which way of pruning keeps most, at equal weights left",
    .synopsis = "DIR...",
    .description =
        "Rank the ways of pruning of one or more sweeps by the accuracy that they keep on the test "
        "part, with the same number of weights left. Equal sparsity is not equal size: pruning by "
        "units leaves fewer weights than pruning by weights. Between two sizes that were measured, "
        "accuracy is read off the straight line over the logarithm of the weights. Seeds are put "
        "together, with mean and standard deviation.\n",
    .groups = groups,
    .examples = examples,
    .offer = OFFER_DIRECTORIES,
    .least = 1,
    .most = 64,
    .values_size = sizeof(common),
    .run = run,
};
