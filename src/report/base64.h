/** Bytes as text, four letters for three (RFC 4648). */
#ifndef LOPI_REPORT_BASE64_H
#define LOPI_REPORT_BASE64_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

/** Letters that `size` bytes take, without a zero behind them. */
size_t lopi_base64_size(size_t size);
/** `text` takes them, and a zero. */
void lopi_base64(char *text, const uint8_t *bytes, size_t size);
/** As a JSON string; NULL without memory. */
json_t *lopi_base64_json(const uint8_t *bytes, size_t size);

#endif
