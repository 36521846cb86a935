#include "nn/json_dump.h"

#include <stdbool.h>
#include <string.h>

#include "base/memory.h"

typedef struct dump {
    char *text; /* [capacity], of which `size` are written */
    size_t size, capacity;
    bool failed;
} dump;

static int append(const char *bytes, size_t size, void *context)
{
    dump *d = context;
    if (!d->failed && d->capacity - d->size <= size) {
        size_t capacity = 2 * (d->capacity + size) + 64;
        char *text = lopi_realloc(d->text, capacity, 1);
        d->failed = text == NULL;
        d->text = text ? text : d->text;
        d->capacity = text ? capacity : d->capacity;
    }
    if (d->failed)
        return -1;
    memcpy(d->text + d->size, bytes, size);
    d->size += size;
    return 0;
}

char *lopi_json_dump(const json_t *value, size_t flags)
{
    dump d = {0};
    if (json_dump_callback(value, append, &d, flags) == 0 && append("", 1, &d) == 0)
        return d.text;
    lopi_free(d.text);
    return NULL;
}
