/** The commands, each in its cmd_*.c, and the options that several of them share. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "options.h"

extern const command command_data, command_train, command_prune, command_eval, command_inspect,
    command_sweep, command_sensitivity, command_fit, command_compare, command_pack, command_unpack,
    command_verify, command_report, command_run, command_bench, command_docs;

/* For commands whose values begin with recipe_values: recipe_options.c. */
extern const option recipe_data_options[], recipe_network_options[], recipe_training_options[],
    keeping_options[];

/* Of pruning: stage_options.c. Those of prune: how and when, of all stages. */
extern const option stage_list_options[], stage_sparsity_options[], pruning_options[],
    schedule_options[], recovery_options[], after_training_options[], distillation_options[],
    sharing_options[];
/** Make the recipe's stages as the lists of the command line say. */
lop_status stages_settle(recipe_values *v, const command *of, lop_error *error);

/** Take another data set. */
lop_status recipe_values_data(recipe_values *v, const char *data, lop_error *error);
lop_status recipe_values_prepare(void *values, lop_error *error);
void recipe_values_release(void *values);

/* Names for rows of OPTION_NAME. */
const char *name_precision_at(const void *context, size_t index);
const char *name_optimizer_at(const void *context, size_t index);
const char *name_rate_schedule_at(const void *context, size_t index);
const char *name_method_at(const void *context, size_t index);
const char *name_scope_at(const void *context, size_t index);
const char *name_allocation_at(const void *context, size_t index);
const char *name_schedule_at(const void *context, size_t index);

#endif
