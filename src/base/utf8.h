/** Whether bytes are text: what jansson takes for a string, told apart from a lack of memory. */
#ifndef LOPI_BASE_UTF8_H
#define LOPI_BASE_UTF8_H

#include <stdbool.h>

/** Whether `text` is UTF-8: no byte sequence longer than need be, no surrogate, at most U+10FFFF
 *  (RFC 3629, section 4). */
bool lopi_is_utf8(const char *text);

#endif
