#include "base/utf8.h"

#include <stddef.h>

typedef struct lead {
    unsigned char first, last; /* of the first byte */
    unsigned char low, high;   /* of the second */
    unsigned char more;        /* bytes behind the first */
} lead;

/* RFC 3629, section 4: the second byte's range keeps out what is longer than need be, surrogates,
 * and what is above U+10FFFF; further bytes are 80 … BF. */
static const lead leads[] = {
    {0x01, 0x7f, 0x00, 0x00, 0}, {0xc2, 0xdf, 0x80, 0xbf, 1}, {0xe0, 0xe0, 0xa0, 0xbf, 2},
    {0xe1, 0xec, 0x80, 0xbf, 2}, {0xed, 0xed, 0x80, 0x9f, 2}, {0xee, 0xef, 0x80, 0xbf, 2},
    {0xf0, 0xf0, 0x90, 0xbf, 3}, {0xf1, 0xf3, 0x80, 0xbf, 3}, {0xf4, 0xf4, 0x80, 0x8f, 3},
};

bool lopi_is_utf8(const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    while (*at) {
        const lead *found = NULL;
        for (size_t i = 0; !found && i < sizeof leads / sizeof *leads; i++)
            if (*at >= leads[i].first && *at <= leads[i].last)
                found = &leads[i];
        if (!found)
            return false;
        at++;
        for (unsigned i = 0; i < found->more; i++, at++)
            if (*at < (i ? 0x80 : found->low) || *at > (i ? 0xbf : found->high))
                return false;
    }
    return true;
}
