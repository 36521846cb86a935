#include "commands.h"

#include <string.h>

static const command *const table[] = {
    &command_data,    &command_train,   &command_prune,  &command_eval,
    &command_inspect, &command_pack,    &command_unpack, &command_verify,
    &command_run,     &command_bench,   &command_sweep,  &command_sensitivity,
    &command_fit,     &command_compare, &command_report, &command_docs,
};

const command *command_at(size_t index)
{
    return index < sizeof table / sizeof *table ? table[index] : NULL;
}

const command *command_find(const char *name)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strcmp(table[i]->name, name) == 0)
            return table[i];
    return NULL;
}
