/**
 * What the library asks of the system, as two small tables: memory, and files. `base/memory.c` and
 * the files' rows of `base/` call through them and nothing else does, so that a test can let any
 * one call fail. The tables are the C library's own unless a test puts others in place, which it
 * does before any thread is there: they are not for programs, and not part of the library's
 * symbols.
 */
#ifndef LOPI_BASE_SYSTEM_H
#define LOPI_BASE_SYSTEM_H

#include <stddef.h>
#include <sys/types.h>

/** As the functions of the same names. What they return is ended by `release`. */
typedef struct lopi_memory_calls {
    void *(*zeroed)(size_t count, size_t size);
    void *(*resized)(void *block, size_t size);
    void *(*aligned)(size_t alignment, size_t size);
    void (*release)(void *block);
} lopi_memory_calls;

/** As the functions of the same names, errno and all; `link` follows a symbolic link to a file. */
typedef struct lopi_file_calls {
    int (*open)(const char *path, int flags, mode_t mode);
    ssize_t (*read)(int descriptor, void *bytes, size_t size);
    ssize_t (*write)(int descriptor, const void *bytes, size_t size);
    int (*truncate)(int descriptor, off_t size); /* ftruncate */
    int (*sync)(int descriptor);                 /* fsync */
    int (*link)(const char *from, const char *to);
    int (*rename)(const char *from, const char *to);
    int (*close)(int descriptor);
    int (*remove)(const char *path);                 /* unlink */
    int (*directory)(const char *path, mode_t mode); /* mkdir */
} lopi_file_calls;

extern lopi_memory_calls lopi_memory_system;
extern lopi_file_calls lopi_file_system;

#endif
