#include "report_files.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <lop/data.h>
#include <lop/output.h>

#include "packed.h"
#include "place.h"

lop_report_options report_options(const session *s, const lop_hooks *hooks)
{
    return (lop_report_options){
        .ascii = !s->out.utf8,
        .colour = s->out.colour,
        .width = s->out.width,
        .cache_dir = place_of_data(),
        .isa = widest_isa(),
        .hooks = hooks,
    };
}

/* Data sets that results name and that are at hand, for their samples in the page. */
typedef struct report_data {
    lop_dataset **datasets; /* [count] */
    size_t count;
} report_data;

static bool is_named(const lop_results *results, const char *name)
{
    for (size_t i = 0; i < results->count; i++)
        if (results->items[i].dataset && strcmp(results->items[i].dataset, name) == 0)
            return true;
    return false;
}

/* Open them, as far as they can be; nothing is fetched. */
static lop_status open_data(report_data *data, const lop_results *results, lop_error *error)
{
    const lop_data_options options = {.cache_dir = place_of_data(), .offline = true};
    const lop_data_entry *entry;
    size_t known = 0;
    while (lop_data_entry_at(known))
        known++;
    *data = (report_data){.datasets = calloc(known + 1, sizeof(lop_dataset *))};
    if (!data->datasets)
        return usage_error(error, LOP_E_MEMORY, "out of memory");
    for (size_t i = 0; (entry = lop_data_entry_at(i)); i++)
        if (is_named(results, entry->name) && lop_data_present(entry->name, &options) &&
            lop_dataset_open(&data->datasets[data->count], entry->name, &options, NULL) == LOP_OK)
            data->count++;
    return LOP_OK;
}

static void close_data(report_data *data)
{
    for (size_t i = 0; i < data->count; i++)
        lop_dataset_free(data->datasets[i]);
    free(data->datasets);
}

lop_status report_write_csv(const lop_results *results, report_csv *write, const char *path,
                            bool overwrite, lop_error *error)
{
    lop_output *output = NULL;
    lop_status status = lop_output_open(&output, path, overwrite, error);
    if (status == LOP_OK)
        status = write(results, lop_output_stream(output), error);
    if (status == LOP_OK)
        return lop_output_commit(output, error);
    lop_output_abandon(output);
    return blame(error, path);
}

lop_status report_write_html(const lop_results *results, const lop_report_options *options,
                             const char *path, bool overwrite, lop_error *error)
{
    lop_output *output = NULL;
    report_data data = {0};
    lop_report_options with_data = *options;
    lop_status status = open_data(&data, results, error);
    with_data.datasets = (const lop_dataset *const *)data.datasets;
    with_data.dataset_count = data.count;
    if (status == LOP_OK)
        status = lop_output_open(&output, path, overwrite, error);
    if (status == LOP_OK)
        status = lop_report_html(results, &with_data, lop_output_stream(output), error);
    close_data(&data);
    if (status == LOP_OK)
        return lop_output_commit(output, error);
    lop_output_abandon(output);
    return blame(error, path);
}

lop_status report_write_figures(session *s, const lop_results *results,
                                const lop_report_options *options, const char *dir,
                                lop_error *error)
{
    return report_figures_drawn(s, lop_report_figures(results, options, dir, error), error);
}

lop_status report_figures_drawn(session *s, lop_status status, const lop_error *error)
{
    if (status != LOP_E_UNSUPPORTED)
        return status;
    say(s, "%s", error->text);
    return LOP_OK;
}

char *report_path(const char *dir, const char *name)
{
    size_t size = strlen(dir) + strlen(name) + 2;
    char *path = malloc(size);
    if (path)
        snprintf(path, size, "%s/%s", dir, name);
    return path;
}

/* Of several directories each is made again in its own: "-2". */
static const char *numbered(size_t index, size_t count, char *buffer, size_t size)
{
    buffer[0] = 0;
    if (count > 1)
        snprintf(buffer, size, "-%zu", index + 1);
    return buffer;
}

char *report_commands(const char *const *directories, size_t count)
{
    enum { QUOTED = 4, AROUND = 16 }; /* bytes a quote takes, and those around a name */
    char *text = NULL, number[24];
    size_t size = 0, written = 0;
    struct stat found;
    FILE *memory = open_memstream(&text, &size);
    for (size_t i = 0; memory && i < count; i++) {
        char *results = results_path(directories[i]);
        char *directory = results ? results_directory(results) : NULL;
        char *recipe = directory ? report_path(directory, "recipe.json") : NULL;
        size_t room = recipe ? QUOTED * strlen(recipe) + AROUND : 0;
        char *name = room ? malloc(room) : NULL;
        if (name && stat(recipe, &found) == 0)
            fprintf(memory, "%slop sweep --recipe %s -o again%s", written++ ? "\n" : "",
                    quoted(recipe, name, room), numbered(i, count, number, sizeof number));
        free(name);
        free(recipe);
        free(directory);
        free(results);
    }
    if (memory)
        fclose(memory);
    if (written)
        return text;
    free(text);
    return NULL;
}

char *results_path(const char *path)
{
    struct stat found;
    if (stat(path, &found) == 0 && S_ISREG(found.st_mode))
        return strdup(path);
    return report_path(path, "results.jsonl");
}

char *results_directory(const char *results)
{
    const char *slash = strrchr(results, '/');
    return slash ? strndup(results, (size_t)(slash - results) + (slash == results)) : strdup(".");
}
