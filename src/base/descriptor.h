/** Descriptors: open, write, sync and close by way of `base/system.h`, whatever signals arrive. */
#ifndef LOPI_BASE_DESCRIPTOR_H
#define LOPI_BASE_DESCRIPTOR_H

#include <stddef.h>

/** Open, or make with the usual permissions, not to be inherited; −1 and errno on failure. */
int lopi_descriptor_open(const char *path, int flags);
/** All `size` bytes; 0, or −1 and errno. */
int lopi_descriptor_write(int descriptor, const void *bytes, size_t size);
/** 0, or −1 and errno. */
int lopi_descriptor_sync(int descriptor);
/** Once, however it ends; 0, or −1 and errno. */
int lopi_descriptor_close(int descriptor);
/** Sync the directory that holds `path`; 0 or an errno number. */
int lopi_directory_sync(const char *path);

#endif
