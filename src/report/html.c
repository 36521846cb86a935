#include "report/html.h"

#include <stdlib.h>
#include <string.h>

#include <sha2.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "data/gzip.h"
#include "report/base64.h"
#include "report_assets.h"

/* What a page with packed networks is to be, at most: they are carried as far as the rest leaves
 * room. A page that is larger by its results alone carries so much of them all the same. */
enum { PAGE_BYTES = 1990000, NETWORK_BYTES_BESIDE = 300000 };

/* An asset as a text: the embedding puts a zero byte behind it. */
static const char *text_of(const unsigned char *asset) { return (const char *)asset; }

/* The inline styles and scripts of the page, in its order. The policy allows these bytes and no
 * others, so that a name that slipped through as markup still could not run. */
static const struct {
    const char *name, *before, *behind;
    const unsigned char *asset;
} inlined[] = {
    {"library-style", "<style>", "</style>", lopi_asset_uplot_css},
    {"style", "<style>", "</style>", lopi_asset_report_css},
    {"pad-style", "<style>", "</style>", lopi_asset_pad_css},
    {"library-script", "<script>", "</script>", lopi_asset_uplot_js},
    {"chart-script", "<script>", "</script>", lopi_asset_chart_js},
    {"inflate-script", "<script>", "</script>", lopi_asset_inflate_js},
    {"page-script", "<script>", "</script>", lopi_asset_page_js},
    {"curves-script", "<script>", "</script>", lopi_asset_curves_js},
    {"epochs-script", "<script>", "</script>", lopi_asset_epochs_js},
    {"runtime-script", "<script>", "</script>", lopi_asset_runtime_js},
    {"pad-script", "<script>", "</script>", lopi_asset_pad_js},
    {"inside-script", "<script>", "</script>", lopi_asset_inside_js},
    {"numbers-script", "<script>", "</script>", lopi_asset_numbers_js},
    {"script", "<script>", "</script>", lopi_asset_report_js},
};
enum { INLINED_COUNT = sizeof inlined / sizeof *inlined };

lop_status lopi_html_deflate(const char *json, char **text, lop_error *error)
{
    lopi_bytes bytes = {0};
    lop_status status = lopi_deflate(&bytes, json, strlen(json), error);
    if (status != LOP_OK)
        return status;
    char *letters = lopi_alloc(lopi_base64_size(bytes.size) + 1, 1);
    if (letters)
        lopi_base64(letters, bytes.data, bytes.size);
    else
        status = lopi_fail_memory(error, lopi_base64_size(bytes.size));
    lopi_free(bytes.data);
    *text = letters;
    return status;
}

lop_status lopi_html_deflated(const char *json, FILE *stream, lop_error *error)
{
    char *text = NULL;
    lop_status status = lopi_html_deflate(json, &text, error);
    if (status == LOP_OK)
        fputs(text, stream);
    lopi_free(text);
    return status;
}

static void put_hashes(const char *before, FILE *stream)
{
    for (size_t i = 0; i < INLINED_COUNT; i++) {
        if (strcmp(inlined[i].before, before) != 0)
            continue;
        SHA2_CTX context;
        uint8_t digest[SHA256_DIGEST_LENGTH];
        SHA256Init(&context);
        SHA256Update(&context, inlined[i].asset, strlen(text_of(inlined[i].asset)));
        SHA256Final(digest, &context);
        char text[(SHA256_DIGEST_LENGTH + 2) / 3 * 4 + 1];
        lopi_base64(text, digest, sizeof digest);
        fprintf(stream, " 'sha256-%s'", text);
    }
}

static void put_policy(const lopi_page *page, FILE *stream)
{
    (void)page;
    fputs("default-src 'none'; style-src", stream);
    put_hashes("<style>", stream);
    fputs("; script-src 'wasm-unsafe-eval'", stream);
    put_hashes("<script>", stream);
    fputs("; base-uri 'none'; form-action 'none'", stream);
}

static void put_public(const lopi_page *page, FILE *stream)
{
    (void)page;
    lopi_html_json(text_of(lopi_asset_public_figures), stream);
}

static void put_licence(const lopi_page *page, FILE *stream)
{
    (void)page;
    lopi_html_text(text_of(lopi_asset_uplot_licence), stream);
}

/* What stands in the template as {{name}}, beside what is inlined and the data. */
static const struct {
    const char *name;
    void (*put)(const lopi_page *page, FILE *stream);
} parts[] = {
    {"mark", lopi_html_mark},       {"policy", put_policy},     {"title", lopi_html_title},
    {"refresh", lopi_html_refresh}, {"notes", lopi_html_notes}, {"blocks", lopi_html_blocks},
    {"tables", lopi_html_tables},   {"public", put_public},     {"library-licence", put_licence},
};

/* Where the packed networks stand, which come last: how many are carried depends on all else. */
static const char hole[] = "networks";

/* What may fail: most of it stands there as JSON. */
static const struct {
    const char *name;
    lop_status (*put)(const lopi_page *page, FILE *stream, lop_error *error);
} data_parts[] = {
    {"provenance", lopi_html_provenance},
    {"data", lopi_html_data},
    {"runtime", lopi_html_runtime},
    {"samples", lopi_html_samples},
};

static lop_status put_part(const lopi_page *page, const char *name, FILE *stream, lop_error *error)
{
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (strcmp(parts[i].name, name) == 0) {
            parts[i].put(page, stream);
            return LOP_OK;
        }
    for (size_t i = 0; i < INLINED_COUNT; i++)
        if (strcmp(inlined[i].name, name) == 0) {
            fprintf(stream, "%s%s%s", inlined[i].before, text_of(inlined[i].asset),
                    inlined[i].behind);
            return LOP_OK;
        }
    for (size_t i = 0; i < sizeof data_parts / sizeof *data_parts; i++)
        if (strcmp(data_parts[i].name, name) == 0)
            return data_parts[i].put(page, stream, error);
    return lopi_fail(error, LOP_E_INTERNAL, "the page's template names an unknown part \"%s\"",
                     name);
}

/* All but what goes into the hole; `at_hole` receives its place. */
static lop_status put_template(const lopi_page *page, FILE *stream, long *at_hole, lop_error *error)
{
    const char *at = text_of(lopi_asset_page);
    for (const char *open; (open = strstr(at, "{{")); at = strstr(open, "}}") + 2) {
        char name[32] = "";
        fwrite(at, 1, (size_t)(open - at), stream);
        if (sscanf(open, "{{%31[a-z-]}}", name) != 1 || !strstr(open, "}}"))
            return lopi_fail(error, LOP_E_INTERNAL, "the page's template has a broken part");
        if (strcmp(name, hole) == 0) {
            *at_hole = ftell(stream);
            continue;
        }
        lop_status status = put_part(page, name, stream, error);
        if (status != LOP_OK)
            return status;
    }
    fputs(at, stream);
    return LOP_OK;
}

static lop_status put_page(const lopi_page *page, FILE *stream, lop_error *error)
{
    char *text = NULL;
    size_t size = 0;
    long at_hole = -1;
    FILE *memory = open_memstream(&text, &size);
    lop_status status =
        memory ? put_template(page, memory, &at_hole, error) : lopi_fail_memory(error, 0);
    bool whole = memory && !ferror(memory);
    if (memory && fclose(memory) != 0)
        whole = false;
    if (status == LOP_OK && !whole)
        status = lopi_fail_memory(error, size);
    if (status == LOP_OK && (at_hole < 0 || (size_t)at_hole > size))
        status = lopi_fail(error, LOP_E_INTERNAL, "the page's template has no place for networks");
    if (status == LOP_OK) {
        size_t room = size < PAGE_BYTES ? PAGE_BYTES - size : NETWORK_BYTES_BESIDE;
        fwrite(text, 1, (size_t)at_hole, stream);
        status = lopi_html_networks(page, room, stream, error);
        fwrite(text + at_hole, 1, size - (size_t)at_hole, stream);
    }
    free(text);
    return status;
}

lop_status lop_report_html(const lop_results *results, const lop_report_options *options,
                           FILE *stream, lop_error *error)
{
    static const lop_report_options defaults = {0};
    lopi_view view = {0};
    lop_status status = lopi_view_new(&view, results, error);
    if (status != LOP_OK)
        return status;
    lopi_shown_networks networks = {0};
    options = options ? options : &defaults;
    status = lopi_shown_networks_open(&networks, &view, options->directory, error);
    const lopi_page page = {results, &view, options, &networks};
    if (status == LOP_OK)
        status = put_page(&page, stream, error);
    if (status == LOP_OK)
        status = lopi_stream_flush(stream, "the page", error);
    lopi_shown_networks_free(&networks);
    lopi_view_free(&view);
    return status;
}
