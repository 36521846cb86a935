/* The packed networks in the page: what they are, what is inside, and, of as many as there is room
 * for, the files themselves. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "report/html.h"
#include "report/json.h"
#include "report/networks.h"

/* Measuring a plan takes a tenth of a second, once: the first ones are measured. */
enum { MEASURED = 48 };

/* A page that is handed on does not tell in which directories it was made. */
static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* What the page's charts call it, its file, and what stands in it. */
static json_t *network_json(const lopi_shown_networks *networks, size_t index, const char *isa)
{
    const lopi_shown_network *network = networks->items + index;
    const lop_result *result = network->result;
    json_t *object = json_object();
    bool ok = lopi_json_set(object, "block", json_integer((json_int_t)network->block)) &&
              lopi_json_set(object, "series", json_integer((json_int_t)network->series)) &&
              lopi_json_set(object, "k", json_real(result->target_sparsity)) &&
              lopi_json_set(object, "seed", json_integer((json_int_t)result->seed)) &&
              lopi_json_set(object, "file", json_string(name_of(lopi_shown_file(result))));
    if (ok && result->test_accuracy == result->test_accuracy)
        ok = lopi_json_set(object, "test_accuracy", json_real(result->test_accuracy));
    if (ok && !network->packed)
        ok = lopi_json_set(object, "missing", json_string(network->error.text));
    if (ok && network->packed)
        ok = lopi_json_set(object, "bytes", json_integer((json_int_t)network->file.size)) &&
             (network->same != index
                  ? lopi_json_set(object, "same", json_integer((json_int_t)network->same))
                  : lopi_json_set(object, "inside",
                                  lopi_inside_json(network->packed, &network->account)) &&
                        lopi_json_set(object, "plan",
                                      lopi_plan_json(network->packed, isa, index < MEASURED)));
    if (ok)
        return object;
    json_decref(object);
    return NULL;
}

/* Base64 takes four bytes for three; and a member's name, quotes and padding some more. */
static size_t file_bytes_in(size_t room, size_t count)
{
    size_t framing = 32 * count;
    return room > framing ? (room - framing) / 4 * 3 : 0;
}

/* The array with the carried networks' files in it. */
static lop_status add_files(json_t *array, lopi_shown_networks *networks, size_t room,
                            lop_error *error)
{
    lopi_shown_networks_carry(networks, file_bytes_in(room, networks->count));
    for (size_t i = 0; i < networks->count; i++) {
        const lopi_shown_network *network = networks->items + i;
        if (network->carried &&
            !lopi_json_set(json_array_get(array, i), "data",
                           lopi_base64_json(network->file.data, network->file.size)))
            return lopi_fail_memory(error, network->file.size);
    }
    return LOP_OK;
}

lop_status lopi_html_networks(const lopi_page *page, size_t room, FILE *stream, lop_error *error)
{
    json_t *array = json_array();
    char *text = NULL;
    bool ok = array != NULL;
    for (size_t i = 0; ok && i < page->networks->count; i++)
        ok = json_array_append_new(array, network_json(page->networks, i, page->options->isa)) == 0;
    lop_status status =
        ok ? lopi_json_text(array, (lopi_json_style){0}, &text, error) : lopi_fail_memory(error, 0);
    if (status == LOP_OK) {
        size_t spent = strlen(text);
        free(text);
        text = NULL;
        status = add_files(array, page->networks, room > spent ? room - spent : 0, error);
    }
    if (status == LOP_OK)
        status = lopi_json_text(array, (lopi_json_style){0}, &text, error);
    if (status == LOP_OK)
        lopi_html_json(text, stream);
    free(text);
    json_decref(array);
    return status;
}
