#include "base/control.h"

unsigned lopi_control(const char *text)
{
    unsigned char byte = (unsigned char)text[0];
    if (byte == 0xc2 && ((unsigned char)text[1] & 0xe0) == 0x80)
        return 2;
    return byte && (byte < 0x20 || byte == 0x7f);
}
