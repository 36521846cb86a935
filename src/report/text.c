#include "report/text.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/control.h"

/* printf writes the locale's decimal point, which may be longer than one byte. */
static char *plain_point(char *text)
{
    const char *point = localeconv()->decimal_point;
    char *at = strcmp(point, ".") != 0 && point[0] ? strstr(text, point) : NULL;
    if (at) {
        *at = '.';
        memmove(at + 1, at + strlen(point), strlen(at + strlen(point)) + 1);
    }
    return text;
}

char *lopi_number_text(char *text, double value)
{
    text[0] = 0;
    if (!isfinite(value))
        return text;
    if (value == trunc(value) && fabs(value) < 1e15) { /* 2386000, not 2.386e+06 */
        snprintf(text, LOPI_NUMBER_SIZE, "%.0f", value);
        return text;
    }
    /* 17 digits always read back (IEEE 754); mostly fewer do. */
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, LOPI_NUMBER_SIZE, "%.*g", digits, value);
        double back = strtod(text, NULL);
        if (memcmp(&back, &value, sizeof back) == 0)
            break;
    }
    return plain_point(text);
}

char *lopi_fixed_text(char *text, double value, int decimals)
{
    text[0] = 0;
    if (!isfinite(value))
        return text;
    int length = snprintf(text, LOPI_NUMBER_SIZE, "%.*f", decimals, value);
    if (length < 0 || length >= LOPI_NUMBER_SIZE)
        snprintf(text, LOPI_NUMBER_SIZE, "%.3e", value);
    return plain_point(text);
}

char *lopi_count_text(char *text, double value)
{
    char digits[LOPI_NUMBER_SIZE] = "";
    lopi_fixed_text(digits, round(value), 0);
    size_t length = strlen(digits), sign = digits[0] == '-';
    /* Beyond 10^27 the separated digits may not fit; no network has so many weights. */
    if (length > 28) {
        memcpy(text, digits, length + 1);
        return text;
    }
    char *at = text;
    for (size_t i = 0; i < length; i++) {
        if (i > sign && (length - i) % 3 == 0)
            *at++ = ',';
        *at++ = digits[i];
    }
    *at = 0;
    return text;
}

char *lopi_bytes_text(char *text, double bytes)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
    text[0] = 0;
    if (!isfinite(bytes))
        return text;
    size_t unit = 0;
    while (unit + 1 < sizeof units / sizeof *units && bytes >= 999.5) {
        bytes /= 1000;
        unit++;
    }
    int decimals = unit == 0 || bytes >= 99.95 ? 0 : bytes >= 9.995 ? 1 : 2;
    char number[LOPI_NUMBER_SIZE];
    lopi_fixed_text(number, bytes, decimals);
    snprintf(text, LOPI_NUMBER_SIZE, "%.40s %s", number, units[unit]);
    return text;
}

char *lopi_percent_text(char *text, double fraction)
{
    text[0] = 0;
    if (!isfinite(fraction))
        return text;
    snprintf(text, LOPI_NUMBER_SIZE, "%.6g", 100 * fraction);
    return plain_point(text);
}

char *lopi_ascii_text(char *text)
{
    /* No longer than what they stand for: two bytes each in UTF-8. */
    static const char *const pairs[][2] = {{"±", "+-"}, {"×", "x"}, {"µ", "u"}};
    char *to = text;
    for (const char *from = text; *from;) {
        const char *plain = NULL;
        for (size_t i = 0; !plain && i < sizeof pairs / sizeof *pairs; i++)
            if (strncmp(from, pairs[i][0], strlen(pairs[i][0])) == 0) {
                plain = pairs[i][1];
                from += strlen(pairs[i][0]);
            }
        if (!plain)
            *to++ = *from++;
        for (; plain && *plain; plain++)
            *to++ = *plain;
    }
    *to = 0;
    return text;
}

void lopi_put_shown(const char *text, bool ascii, FILE *stream)
{
    for (; *text; text++) {
        unsigned control = lopi_control(text);
        text += control == 2;
        fputc(control || (ascii && (unsigned char)*text >= 0x80) ? '?' : *text, stream);
    }
}
