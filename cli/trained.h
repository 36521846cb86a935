/** What a network's file says of its training. */
#ifndef CLI_TRAINED_H
#define CLI_TRAINED_H

#include <stddef.h>
#include <stdint.h>

/** The data set as it was named, for a next command; "mnist" where the metadata do not say. */
char *trained_on(const char *metadata, char *buffer, size_t size);

/** The seed, or 1 where the metadata do not say. */
uint64_t trained_seed(const char *metadata);

/** The recipe as JSON, NULL where the metadata have none; free(). */
char *trained_recipe(const char *metadata);

#endif
