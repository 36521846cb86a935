/** What a network's file says of its training. */
#ifndef CLI_TRAINED_H
#define CLI_TRAINED_H

#include <stddef.h>
#include <stdint.h>

#include "options.h"

/** The data set as it was named, for a next command; "mnist" where the metadata do not say. */
char *trained_on(const char *metadata, char *buffer, size_t size);

/** The seed, or 1 where the metadata do not say. */
uint64_t trained_seed(const char *metadata);

/** The recipe as JSON, NULL where the metadata have none; free(). */
char *trained_recipe(const char *metadata);

/** What commands that take a trained network and a recipe begin with. */
typedef struct trained_values {
    recipe_values base; /* first */
    lop_network *network;
    char *metadata;
    const char *data;  /* the data set where one is named, else NULL */
    lop_error loading; /* why there is no network */
} trained_values;

/** Options for the data; commands whose values begin with trained_values may have them. */
extern const option trained_data_options[];

/** Defaults; the seed is that of the training. */
lop_status trained_prepare(void *values, lop_error *error);
/** Read the network before options are: its recipe is what they change. Whatever is wrong with the
 *  file is told by trained_check. */
void trained_settle(void *values);
/** LOP_OK where there is a network. */
lop_status trained_check(const trained_values *v, lop_error *error);
void trained_release(void *values);

#endif
