/** Near matches for names that people type. */
#ifndef LOP_SUGGEST_H
#define LOP_SUGGEST_H

#include <stddef.h>

#include <lop/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * The name nearest to `name` by edits (insert, delete, replace, swap two neighbours).
 *
 * @param name     what was typed; borrowed
 * @param name_at  name `index` of a list, NULL beyond its last; "" entries are passed over
 * @param context  handed to `name_at`
 * @return a name of the list, or NULL where none is near: more than a third of the letters wrong
 */
LOP_API const char *lop_suggest(const char *name,
                                const char *(*name_at)(const void *context, size_t index),
                                const void *context);

#ifdef __cplusplus
}
#endif

#endif
