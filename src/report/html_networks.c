/* The packed networks in the page: what they are, what is inside, and, of as many as there is room
 * for, the files themselves. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "report/base64.h"
#include "report/html.h"
#include "report/json.h"
#include "report/networks.h"
#include "report/samples.h"

/* Measuring a plan takes a tenth of a second, once: the first ones are measured. */
enum { MEASURED = 48 };

/* A page that is handed on does not tell in which directories it was made. */
static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* What the page's charts call it, its file, and what stands in it. */
static json_t *network_json(const lopi_shown_networks *networks, size_t index,
                            const lop_report_options *options)
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
                                      lopi_plan_json(network->packed,
                                                     lopi_report_dataset(options, result->dataset),
                                                     options, index < MEASURED)));
    if (ok)
        return object;
    json_decref(object);
    return NULL;
}

/* Bytes of files of which about `room` bytes of text come: base64 twice with DEFLATE in between,
 * and a member's name around each. */
static size_t file_bytes_in(size_t room, size_t count)
{
    size_t framing = 32 * count;
    return room > framing ? (room - framing) / 1000 * 742 : 0;
}

/* The files of the networks that are carried, and of no others. */
static lop_status put_files(json_t *array, const lopi_shown_networks *networks, lop_error *error)
{
    for (size_t i = 0; i < networks->count; i++) {
        const lopi_shown_network *network = networks->items + i;
        json_t *object = json_array_get(array, i);
        if (!network->carried)
            json_object_del(object, "data");
        else if (!lopi_json_set(object, "data",
                                lopi_base64_json(network->file.data, network->file.size)))
            return lopi_fail_memory(error, network->file.size);
    }
    return LOP_OK;
}

static lop_status deflate_array(const json_t *array, char **text, lop_error *error)
{
    char *json = NULL;
    lopi_free(*text);
    *text = NULL;
    lop_status status = lopi_json_text(array, (lopi_json_style){0}, &json, error);
    if (status == LOP_OK)
        status = lopi_html_deflate(json, text, error);
    free(json);
    return status;
}

/* The text without files, then with as many as there should be room for; and with fewer while that
 * was too many. */
static lop_status fill(json_t *array, lopi_shown_networks *networks, size_t room, char **text,
                       lop_error *error)
{
    lop_status status = deflate_array(array, text, error);
    size_t spent = status == LOP_OK ? strlen(*text) : 0;
    size_t limit = room > spent ? file_bytes_in(room - spent, networks->count) : 0;
    while (status == LOP_OK && limit > 0) {
        lopi_shown_networks_carry(networks, limit);
        status = put_files(array, networks, error);
        if (status == LOP_OK)
            status = deflate_array(array, text, error);
        if (status != LOP_OK || strlen(*text) <= room)
            return status;
        size_t less = strlen(*text) - room + limit / 100;
        limit = limit > less ? limit - less : 0;
    }
    if (status == LOP_OK && room > spent) { /* nothing fits */
        lopi_shown_networks_carry(networks, 0);
        status = put_files(array, networks, error);
        if (status == LOP_OK)
            status = deflate_array(array, text, error);
    }
    return status;
}

lop_status lopi_html_networks(const lopi_page *page, size_t room, FILE *stream, lop_error *error)
{
    json_t *array = json_array();
    char *text = NULL;
    bool ok = array != NULL;
    for (size_t i = 0; ok && i < page->networks->count; i++)
        ok = json_array_append_new(array, network_json(page->networks, i, page->options)) == 0;
    lop_status status =
        ok ? fill(array, page->networks, room, &text, error) : lopi_fail_memory(error, 0);
    if (status == LOP_OK)
        fputs(text, stream);
    lopi_free(text);
    json_decref(array);
    return status;
}
