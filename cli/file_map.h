/** Where every byte of a safetensors file went. */
#ifndef CLI_FILE_MAP_H
#define CLI_FILE_MAP_H

#include <stddef.h>
#include <stdint.h>

#include <lop/status.h>

typedef struct file_part {
    char name[96];
    uint64_t offset, size; /* in the file */
} file_part;

typedef struct file_map {
    uint64_t size;
    file_part *parts; /* in the order of the file, without gaps: their sizes add up to `size` */
    size_t count;
} file_map;

/** Read the map of `path`, a file that lop_network_load has taken: its header can be trusted. */
lop_status file_map_read(file_map *out, const char *path, lop_error *error);
void file_map_free(file_map *map);

#endif
