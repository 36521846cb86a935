/** The commands, each in its cmd_*.c, and the options that several of them share. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "options.h"

extern const command command_data, command_train, command_prune, command_eval, command_inspect,
    command_sweep, command_report, command_docs;

/* For commands whose values begin with recipe_values: recipe_options.c. */
extern const option recipe_data_options[], recipe_network_options[], recipe_training_options[];
lop_status recipe_values_prepare(void *values, lop_error *error);
void recipe_values_release(void *values);

/* Names for rows of OPTION_NAME. */
const char *name_precision_at(const void *context, size_t index);
const char *name_optimizer_at(const void *context, size_t index);
const char *name_rate_schedule_at(const void *context, size_t index);
const char *name_method_at(const void *context, size_t index);
const char *name_scope_at(const void *context, size_t index);

#endif
