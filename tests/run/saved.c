#include "saved.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "run/hash.h"

char *test_plan_text(const lop_plan *plan)
{
    size_t size = lop_plan_text(plan, NULL, 0);
    char *text = lopi_alloc(size, 1);
    lop_plan_text(plan, text, size);
    return text;
}

void test_plan_sum(char *text)
{
    char *sum = strstr(text, "\nsum ");
    snprintf(sum + 1, 22, "sum %016" PRIx64,
             lopi_hash(LOPI_HASH_START, text, (size_t)(sum + 1 - text)));
    strcat(sum, "\n");
}

char *test_plan_with(const lop_plan *plan, const char *kernel, bool mixed)
{
    char *text = test_plan_text(plan);
    char *changed = lopi_alloc(strlen(text) + 64 * 64, 1), *at = changed;
    size_t layers = 0;
    for (char *line = text, *next; *line; line = next) {
        next = line + strcspn(line, "\n") + 1;
        /* Lines of layers, "KERNEL NS", are the only ones with both a dash and a digit behind a
         * space but the first. */
        bool layer = line > text && memchr(line, '-', strcspn(line, " ")) != NULL;
        if (layer && (!mixed || layers % 2 == 0))
            at += sprintf(at, "%s 1 1\n", kernel);
        else
            at += sprintf(at, "%.*s", (int)(next - line), line);
        layers += layer;
    }
    test_plan_sum(changed);
    lopi_free(text);
    return changed;
}
