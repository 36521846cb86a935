/* The C library's larger functions, small: a module is to be below 80 kB, and these alone would
 * take 25 of them. The linker takes what is here before it looks into the library. Compiled without
 * the compiler's own ideas of them, by which a calloc may become a call of itself. */
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Memory. ------------------------------------------------------------------------------------- */

/* A block begins with a line of 64 bytes that says how long it is; what the caller gets begins
 * behind it, at a multiple of 64. Free blocks are a list in order of address, neighbours joined. */
typedef struct block {
    size_t size; /* with this line, a multiple of LINE */
    struct block *next;
} block;

enum { LINE = 64, PAGE = 65536 };

/* The linker's: where nothing is yet. */
extern unsigned char __heap_base; /* NOLINT(bugprone-reserved-identifier,cert-dcl37-c) */

static block *free_blocks;
static uintptr_t heap_end;

static void give_back(block *given)
{
    block **link = &free_blocks, *before = NULL;
    while (*link && *link < given) {
        before = *link;
        link = &(*link)->next;
    }
    given->next = *link;
    *link = given;
    if (given->next && (uintptr_t)given + given->size == (uintptr_t)given->next) {
        given->size += given->next->size;
        given->next = given->next->next;
    }
    if (before && (uintptr_t)before + before->size == (uintptr_t)given) {
        before->size += given->size;
        before->next = given->next;
    }
}

/* More memory from the host, joined with what is free at the end. */
static bool grow(size_t size)
{
    if (heap_end == 0) {
        uintptr_t start = ((uintptr_t)&__heap_base + LINE - 1) / LINE * LINE;
        heap_end = (uintptr_t)__builtin_wasm_memory_size(0) * PAGE;
        if (heap_end >= start + LINE) {
            block *first = (block *)start;
            first->size = heap_end - start;
            give_back(first);
        }
    }
    size_t pages = size / PAGE + 1;
    if (__builtin_wasm_memory_grow(0, pages) == SIZE_MAX)
        return false;
    block *grown = (block *)heap_end;
    grown->size = pages * PAGE;
    heap_end += grown->size;
    give_back(grown);
    return true;
}

static block *take(size_t size)
{
    for (block **link = &free_blocks; *link; link = &(*link)->next) {
        block *found = *link;
        if (found->size < size)
            continue;
        if (found->size > size) {
            block *rest = (block *)((uintptr_t)found + size);
            rest->size = found->size - size;
            rest->next = found->next;
            found->next = rest;
            found->size = size;
        }
        *link = found->next;
        return found;
    }
    return NULL;
}

void *malloc(size_t size)
{
    if (size > SIZE_MAX / 2)
        return NULL;
    size_t whole = (size + LINE - 1) / LINE * LINE + LINE;
    block *found = take(whole);
    if (!found && grow(whole))
        found = take(whole);
    return found ? (unsigned char *)found + LINE : NULL;
}

void free(void *memory)
{
    if (memory)
        give_back((block *)((uintptr_t)memory - LINE));
}

void *calloc(size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size)
        return NULL;
    size_t bytes = count * size;
    void *memory = malloc(bytes ? bytes : 1);
    if (memory)
        __builtin_memset(memory, 0, bytes);
    return memory;
}

void *realloc(void *memory, size_t size)
{
    if (!memory)
        return malloc(size);
    size_t have = ((block *)((uintptr_t)memory - LINE))->size - LINE;
    if (size <= have)
        return memory;
    void *grown = malloc(size);
    if (grown) {
        __builtin_memcpy(grown, memory, have);
        free(memory);
    }
    return grown;
}

/* Each block is at a multiple of 64, which is all that is ever asked for. */
void *aligned_alloc(size_t alignment, size_t size)
{
    return alignment <= LINE ? malloc(size) : NULL;
}

/* Text. --------------------------------------------------------------------------------------- */

typedef struct writer {
    char *text;
    size_t size, used;
} writer;

static void put(writer *w, char letter)
{
    if (w->used + 1 < w->size)
        w->text[w->used] = letter;
    w->used++;
}

static void put_text(writer *w, const char *text, size_t most)
{
    while (most-- > 0 && *text)
        put(w, *text++);
}

static void put_number(writer *w, unsigned long long value, unsigned base, unsigned width,
                       bool zeros)
{
    char digits[24];
    unsigned count = 0;
    do {
        digits[count++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value > 0);
    for (; width > count; width--)
        put(w, zeros ? '0' : ' ');
    while (count > 0)
        put(w, digits[--count]);
}

static unsigned read_number(const char **format)
{
    unsigned number = 0;
    while (**format >= '0' && **format <= '9')
        number = 10 * number + (unsigned)(*(*format)++ - '0');
    return number;
}

/* %[0][width][.precision][z|l|ll] with c, d, s, u, x or %: what the runtime's texts are made with.
 */
int vsnprintf(char *text, size_t size, const char *format, va_list arguments)
{
    writer w = {text, size, 0};
    for (; *format; format++) {
        if (*format != '%') {
            put(&w, *format);
            continue;
        }
        format++;
        bool zeros = *format == '0';
        unsigned width = read_number(&format), most = UINT_MAX, longs = 0;
        if (*format == '.') {
            format++;
            most = read_number(&format);
        }
        for (; *format == 'l' || *format == 'z'; format++)
            longs += *format == 'l';
        long long number = 0;
        if (*format == 'd' || *format == 'u' || *format == 'x') {
            if (longs == 2)
                number = va_arg(arguments, long long);
            else if (*format == 'd')
                number = va_arg(arguments, int);
            else
                number = va_arg(arguments, unsigned);
        }
        if (*format == 's')
            put_text(&w, va_arg(arguments, const char *), most);
        else if (*format == 'c')
            put(&w, (char)va_arg(arguments, int));
        else if (*format == 'd' && number < 0) {
            put(&w, '-');
            put_number(&w, 0 - (unsigned long long)number, 10, width, zeros);
        } else if (*format == 'd' || *format == 'u')
            put_number(&w, (unsigned long long)number, 10, width, zeros);
        else if (*format == 'x')
            put_number(&w, (unsigned long long)number, 16, width, zeros);
        else
            put(&w, '%');
    }
    if (size > 0)
        text[w.used < size ? w.used : size - 1] = 0;
    return (int)w.used;
}

int snprintf(char *text, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, size, format, arguments);
    va_end(arguments);
    return length;
}

unsigned long long strtoull(const char *text, char **end, int base)
{
    unsigned long long value = 0;
    for (; *text >= '0' && *text < '0' + base; text++)
        value = value > (ULLONG_MAX - 9) / 10 ? ULLONG_MAX
                                              : value * (unsigned)base + (unsigned)(*text - '0');
    if (end)
        *end = (char *)(uintptr_t)text;
    return value;
}

char *strstr(const char *text, const char *wanted)
{
    size_t length = strlen(wanted);
    for (; *text; text++)
        if (strncmp(text, wanted, length) == 0)
            return (char *)(uintptr_t)text;
    return length == 0 ? (char *)(uintptr_t)text : NULL;
}

/* Sorting: a heap, so that no order takes long. -------------------------------------------------
 */

typedef int (*comparison)(const void *, const void *);

static void swap(unsigned char *a, unsigned char *b, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        unsigned char kept = a[i];
        a[i] = b[i];
        b[i] = kept;
    }
}

static void sift(unsigned char *base, size_t root, size_t count, size_t size, comparison compare)
{
    for (size_t child = 2 * root + 1; child < count; root = child, child = 2 * root + 1) {
        if (child + 1 < count && compare(base + child * size, base + (child + 1) * size) < 0)
            child++;
        if (compare(base + root * size, base + child * size) >= 0)
            return;
        swap(base + root * size, base + child * size, size);
    }
}

void qsort(void *base, size_t count, size_t size, comparison compare)
{
    for (size_t root = count / 2; root-- > 0;)
        sift(base, root, count, size, compare);
    for (size_t last = count; last-- > 1;) {
        swap(base, (unsigned char *)base + last * size, size);
        sift(base, 0, last, size, compare);
    }
}
