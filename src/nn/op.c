#include "nn/op.h"

#include <string.h>

#include "base/error.h"

static const lopi_op *const table[LOP_OP_COUNT] = {
    [LOP_OP_INPUT] = &lopi_op_input,
    [LOP_OP_LINEAR] = &lopi_op_linear,
    [LOP_OP_RELU] = &lopi_op_relu,
};

const lopi_op *lopi_op_get(lop_op op) { return table[op]; }

lop_status lopi_op_find(const char *name, lop_op *out, lop_error *error)
{
    char known[256] = "";
    for (size_t i = 0; i < LOP_OP_COUNT; i++) {
        if (strcmp(table[i]->name, name) == 0) {
            *out = (lop_op)i;
            return LOP_OK;
        }
        if (i > 0)
            strncat(known, ", ", sizeof known - strlen(known) - 1);
        strncat(known, table[i]->name, sizeof known - strlen(known) - 1);
    }
    return lopi_fail(error, LOP_E_NAME, "expected an op of %s, found '%.64s'", known, name);
}

lop_status lopi_op_parse_size(const json_t *object, const char *name, size_t limit, size_t *out,
                              lop_error *error)
{
    const json_t *member = json_object_get(object, name);
    if (!json_is_integer(member))
        return lopi_fail(error, LOP_E_FORMAT, "expected a whole number as \"%s\"", name);
    json_int_t value = json_integer_value(member);
    if (value < 1)
        return lopi_fail(error, LOP_E_FORMAT, "expected \"%s\" above 0, found %lld", name,
                         (long long)value);
    if ((unsigned long long)value > limit)
        return lopi_fail(error, LOP_E_LIMIT, "expected \"%s\" of at most %zu, found %lld", name,
                         limit, (long long)value);
    *out = (size_t)value;
    return LOP_OK;
}
