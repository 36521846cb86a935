/** Place: the directory where data sets that are known by name, and plans, are kept. */
#ifndef CLI_PLACE_H
#define CLI_PLACE_H

/**
 * What the environment says: $LOP_DATA, $XDG_CACHE_HOME/lop, or ~/.cache/lop; an empty variable is
 * none. NULL where none is set. Static; the environment is looked at once. Programs of bench/ ask
 * here too, and the library, which looks at no environment, is told.
 */
const char *place_of_data(void);

#endif
