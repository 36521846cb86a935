/**
 * Known: two data sets more that the library knows by name, small ones, so that getting and
 * verifying them can be tried without a network. The linker leads the library's look into its
 * registry here (--wrap=lopi_known_find); all other names go on to it.
 *
 *     small       its files lie in a directory
 *     packaged    the same files, by npm: whoever runs it puts a program of that name on the path
 */
#ifndef LOP_TEST_FAULT_KNOWN_H
#define LOP_TEST_FAULT_KNOWN_H

#include <stdbool.h>

/** The sets are made of the four IDX files in `directory`, which must outlive them. */
bool known_begin(const char *directory);

#endif
