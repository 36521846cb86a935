#include "guard.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ALIGNMENT = 64 };

static size_t page_size(void) { return (size_t)sysconf(_SC_PAGESIZE); }

bool guarded_new(guarded *memory, size_t size)
{
    size_t page = page_size(), room = (size + page - 1) / page * page;
    uint8_t *all = mmap(NULL, room + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (all == MAP_FAILED)
        return false;
    *memory = (guarded){.pages = all + page, .room = room};
    return mprotect(memory->pages, room, PROT_READ | PROT_WRITE) == 0;
}

void guarded_free(guarded *memory)
{
    if (memory->pages)
        munmap(memory->pages - page_size(), memory->room + 2 * page_size());
    *memory = (guarded){0};
}

/* The bytes around `data` that are looked at: a page's worth on either side. */
static uint8_t *around(const guarded *memory, size_t *size)
{
    size_t page = page_size();
    uint8_t *first = memory->data > memory->pages + page ? memory->data - page : memory->pages;
    uint8_t *end = memory->data + memory->size, *last = memory->pages + memory->room;
    *size = (size_t)((last - end > (ptrdiff_t)page ? end + page : last) - first);
    return first;
}

uint8_t *guarded_take(guarded *memory, size_t size, bool at_end, uint8_t filling)
{
    if (memory->locked)
        mprotect(memory->pages, memory->room, PROT_READ | PROT_WRITE);
    memory->locked = false;
    size_t offset = at_end ? (memory->room - size) / ALIGNMENT * ALIGNMENT : 0, length;
    memory->data = memory->pages + offset;
    memory->size = size;
    uint8_t *first = around(memory, &length);
    memset(first, filling, length);
    return memory->data;
}

void guarded_lock(guarded *memory)
{
    mprotect(memory->pages, memory->room, PROT_READ);
    memory->locked = true;
}

bool guarded_intact(const guarded *memory, uint8_t filling)
{
    size_t length;
    const uint8_t *first = around(memory, &length), *end = memory->data + memory->size;
    for (const uint8_t *at = first; at < memory->data; at++)
        if (*at != filling)
            return false;
    for (const uint8_t *at = end; at < first + length; at++)
        if (*at != filling)
            return false;
    return true;
}
