/* A network's spec as JSON: read with suspicion, written canonically. */
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "nn/json_dump.h"
#include "nn/json_read.h"
#include "nn/op.h"

enum { MAX_SPEC_BYTES = 1 << 20 }; /* 1024 nodes of a kilobyte each */

static lop_status get_text(const json_t *object, const char *member, const char **out,
                           lop_error *error)
{
    const json_t *value = json_object_get(object, member);
    if (!json_is_string(value))
        return lopi_fail(error, LOP_E_FORMAT, "expected a text as \"%s\"", member);
    *out = json_string_value(value);
    return LOP_OK;
}

static bool known_member(const lopi_op *op, const char *member)
{
    if (strcmp(member, "op") == 0 || strcmp(member, "name") == 0)
        return true;
    for (const char *const *known = op->members; *known; known++)
        if (strcmp(member, *known) == 0)
            return true;
    return false;
}

static lop_status check_members(json_t *object, const lopi_op *op, lop_error *error)
{
    const char *member;
    json_t *value;
    json_object_foreach(object, member, value)
    {
        if (!known_member(op, member))
            return lopi_fail(error, LOP_E_FORMAT, "expected no member \"%.64s\" in a node of op %s",
                             member, op->name);
    }
    return LOP_OK;
}

static lop_status parse_input(const json_t *object, lopi_node_spec *nodes, size_t index,
                              lop_error *error)
{
    const char *input = NULL;
    lop_status status = get_text(object, "input", &input, error);
    if (status != LOP_OK)
        return status;
    for (size_t i = 0; i < index; i++)
        if (strcmp(nodes[i].name, input) == 0) {
            nodes[index].input = i;
            return LOP_OK;
        }
    return lopi_fail(error, LOP_E_FORMAT,
                     "expected \"input\" to name an earlier node, found '%.64s'", input);
}

static lop_status parse_node(json_t *object, lopi_node_spec *nodes, size_t index, lop_error *error)
{
    lopi_node_spec *node = &nodes[index];
    const char *op_name = NULL;
    if (!json_is_object(object))
        return lopi_fail(error, LOP_E_FORMAT, "expected an object");
    lop_status status = get_text(object, "op", &op_name, error);
    if (status == LOP_OK)
        status = get_text(object, "name", &node->name, error);
    if (status == LOP_OK)
        status = lopi_op_find(op_name, &node->op, error);
    if (status == LOP_OK)
        status = check_members(object, lopi_op_get(node->op), error);
    if (status == LOP_OK && node->op != LOP_OP_INPUT)
        status = parse_input(object, nodes, index, error);
    if (status == LOP_OK)
        status = lopi_op_get(node->op)->parse(object, node, error);
    return status;
}

/* Errors above speak of a node without saying which. */
static lop_status in_node(lop_status status, size_t index, lop_error *error)
{
    if (error) {
        char text[sizeof error->text];
        memcpy(text, error->text, sizeof text);
        lopi_fail(error, status, "node %zu of the network's spec: %.400s", index, text);
    }
    return status;
}

static lop_status parse_nodes(lop_network **out, json_t *root, uint64_t max_parameters,
                              lop_error *error)
{
    json_t *list = json_object_get(root, "nodes");
    size_t count = json_array_size(list);
    if (!json_is_array(list) || json_object_size(root) != 1)
        return lopi_fail(error, LOP_E_FORMAT,
                         "expected a network's spec, an object with an array \"nodes\" alone");
    if (count < 1 || count > LOP_MAX_NODES)
        return lopi_fail(error, LOP_E_LIMIT, "expected 1 to %d nodes, found %zu", LOP_MAX_NODES,
                         count);
    lopi_node_spec *nodes = lopi_alloc(count, sizeof *nodes);
    if (!nodes)
        return lopi_fail_memory(error, count * sizeof *nodes);
    lop_status status = LOP_OK;
    for (size_t i = 0; i < count && status == LOP_OK; i++) {
        status = parse_node(json_array_get(list, i), nodes, i, error);
        if (status != LOP_OK)
            in_node(status, i, error);
    }
    if (status == LOP_OK)
        status = lopi_network_build(out, nodes, count, max_parameters, error);
    lopi_free(nodes);
    return status;
}

lop_status lopi_network_new_spec(lop_network **out, const char *json, size_t size,
                                 uint64_t max_parameters, lop_error *error)
{
    if (!out || !json)
        return lopi_fail(error, LOP_E_ARG, "expected a network's spec");
    if (size > MAX_SPEC_BYTES)
        return lopi_fail(error, LOP_E_LIMIT, "expected a spec of at most %d bytes, found %zu",
                         MAX_SPEC_BYTES, size);
    json_error_t where;
    json_t *root = NULL;
    lop_status status = lopi_json_read(&root, json, size, &where);
    if (status != LOP_OK)
        return lopi_fail(error, status, "expected a network's spec in JSON: line %d: %.150s",
                         where.line, where.text);
    status = parse_nodes(out, root, max_parameters, error);
    json_decref(root);
    return status;
}

lop_status lop_network_new_spec(lop_network **out, const char *json, size_t size, lop_error *error)
{
    return lopi_network_new_spec(out, json, size, LOP_MAX_PARAMETERS, error);
}

static json_t *node_to_json(const lop_network *network, size_t index)
{
    const lop_node *node = &network->nodes[index];
    const lopi_op *op = lopi_op_get(node->op);
    const char *input = network->nodes[node->input].name;
    json_t *object = json_object();
    if (object && json_object_set_new(object, "op", json_string(op->name)) == 0 &&
        json_object_set_new(object, "name", json_string(node->name)) == 0 &&
        (index == 0 || json_object_set_new(object, "input", json_string(input)) == 0) &&
        op->write(object, network, node))
        return object;
    json_decref(object);
    return NULL;
}

lop_status lop_network_spec(const lop_network *network, char **json, lop_error *error)
{
    if (!network || !json)
        return lopi_fail(error, LOP_E_ARG, "expected a network and where to put its spec");
    json_t *root = json_object(), *list = json_array();
    bool whole = root && list;
    for (size_t i = 0; whole && i < network->node_count; i++)
        whole = json_array_append_new(list, node_to_json(network, i)) == 0;
    /* Takes `list` over, also on failure. */
    whole = json_object_set_new(root, "nodes", list) == 0 && whole;
    /* Members stay in the order in which they were set: same network, same bytes. */
    char *text = whole ? lopi_json_dump(root, JSON_COMPACT) : NULL;
    json_decref(root);
    if (!text)
        return lopi_fail(error, LOP_E_MEMORY, "out of memory for a network's spec");
    *json = text;
    return LOP_OK;
}
