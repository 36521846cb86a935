/* What the pad needs: the runtime's WebAssembly modules, and test samples. Nothing where no network
 * could be opened. */
#include <stdlib.h>

#include "base/error.h"
#include "pad_assets.h"
#include "report/base64.h"
#include "report/html.h"
#include "report/json.h"
#include "report/samples.h"

static lop_status put_json(json_t *json, FILE *stream, lop_error *error)
{
    char *text = NULL;
    lop_status status = json ? lopi_json_text(json, (lopi_json_style){0}, &text, error)
                             : lopi_fail_memory(error, 0);
    if (status == LOP_OK)
        status = lopi_html_deflated(text, stream, error);
    free(text);
    json_decref(json);
    return status;
}

static bool opened_any(const lopi_page *page)
{
    for (size_t i = 0; i < page->networks->count; i++)
        if (page->networks->items[i].packed)
            return true;
    return false;
}

/* The zero byte behind an asset is the embedding's. */
static bool append_module(json_t *modules, const unsigned char *asset, size_t size)
{
    return size == 1 || json_array_append_new(modules, lopi_base64_json(asset, size - 1)) == 0;
}

lop_status lopi_html_runtime(const lopi_page *page, FILE *stream, lop_error *error)
{
    json_t *modules = json_array();
    if (modules && opened_any(page) &&
        !(append_module(modules, lopi_asset_simd_wasm, sizeof lopi_asset_simd_wasm) &&
          append_module(modules, lopi_asset_scalar_wasm, sizeof lopi_asset_scalar_wasm))) {
        json_decref(modules);
        modules = NULL;
    }
    return put_json(modules, stream, error);
}

lop_status lopi_html_samples(const lopi_page *page, FILE *stream, lop_error *error)
{
    json_t *samples = opened_any(page)
                          ? lopi_samples_json(page->view, page->networks, page->options)
                          : json_array();
    return put_json(samples, stream, error);
}
