#include "report_files.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <lop/output.h>

lop_report_options report_options(const session *s, const lop_hooks *hooks)
{
    return (lop_report_options){
        .ascii = !s->out.utf8,
        .colour = s->out.colour,
        .width = s->out.width,
        .hooks = hooks,
    };
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
    lop_status status = lop_output_open(&output, path, overwrite, error);
    if (status == LOP_OK)
        status = lop_report_html(results, options, lop_output_stream(output), error);
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
