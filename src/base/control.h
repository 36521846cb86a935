/** What a terminal would obey instead of showing it. Names and texts come from files of others. */
#ifndef LOPI_BASE_CONTROL_H
#define LOPI_BASE_CONTROL_H

/**
 * Bytes of the control character at `text`, which ends with a zero byte: 1 of ASCII (below U+0020,
 * or U+007F), 2 of U+0080 … U+009F in UTF-8; 0: there is none, or the text ends here.
 */
unsigned lopi_control(const char *text);

#endif
