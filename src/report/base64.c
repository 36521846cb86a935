#include "report/base64.h"

#include "base/memory.h"

size_t lopi_base64_size(size_t size) { return (size + 2) / 3 * 4; }

void lopi_base64(char *text, const uint8_t *bytes, size_t size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < size; i += 3) {
        uint32_t group = (uint32_t)bytes[i] << 16;
        group |= i + 1 < size ? (uint32_t)bytes[i + 1] << 8 : 0;
        group |= i + 2 < size ? bytes[i + 2] : 0;
        *text++ = digits[group >> 18];
        *text++ = digits[group >> 12 & 63];
        *text++ = i + 1 < size ? digits[group >> 6 & 63] : '=';
        *text++ = i + 2 < size ? digits[group & 63] : '=';
    }
    *text = 0;
}

json_t *lopi_base64_json(const uint8_t *bytes, size_t size)
{
    size_t length = lopi_base64_size(size);
    char *text = lopi_alloc(length + 1, 1);
    if (!text)
        return NULL;
    lopi_base64(text, bytes, size);
    json_t *json = json_stringn_nocheck(text, length);
    lopi_free(text);
    return json;
}
