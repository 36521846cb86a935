#include "data/gzip.h"

#include <limits.h>
#include <zlib.h>

#include "base/error.h"
#include "base/memory.h"

enum { GZIP_HEADER = 16 }; /* beside the window's bits: zlib's way to ask for gzip */

/* Put bytes through the stream, count what comes out, and throw it away. */
static void push(z_stream *stream, int flush, size_t *bytes)
{
    unsigned char sink[16384];
    do {
        stream->next_out = sink;
        stream->avail_out = sizeof sink;
        deflate(stream, flush);
        *bytes += sizeof sink - stream->avail_out;
    } while (stream->avail_out == 0);
}

lop_status lopi_gzip_bytes(const lopi_piece *pieces, size_t count, int level, size_t *bytes,
                           lop_error *error)
{
    z_stream stream = {.next_in = NULL};
    size_t total = 0;
    if (deflateInit2(&stream, level, Z_DEFLATED, MAX_WBITS + GZIP_HEADER, 8, Z_DEFAULT_STRATEGY) !=
        Z_OK)
        return lopi_fail(error, LOP_E_MEMORY, "no memory for gzip");
    for (size_t i = 0; i < count; i++) {
        const unsigned char *at = pieces[i].data;
        for (size_t left = pieces[i].size; left > 0;) {
            unsigned some = left < INT_MAX ? (unsigned)left : INT_MAX;
            stream.next_in = (unsigned char *)at; /* zlib does not write to it */
            stream.avail_in = some;
            push(&stream, Z_NO_FLUSH, &total);
            at += some;
            left -= some;
        }
    }
    push(&stream, Z_FINISH, &total);
    deflateEnd(&stream);
    *bytes = total;
    return LOP_OK;
}

lop_status lopi_deflate(lopi_bytes *out, const void *data, size_t size, lop_error *error)
{
    z_stream stream = {.next_in = (unsigned char *)data}; /* zlib does not write to it */
    if (size > INT_MAX)
        return lopi_fail(error, LOP_E_LIMIT, "expected at most %d bytes, found %zu", INT_MAX, size);
    if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -MAX_WBITS, 8,
                     Z_DEFAULT_STRATEGY) != Z_OK)
        return lopi_fail(error, LOP_E_MEMORY, "no memory to deflate");
    size_t room = deflateBound(&stream, (unsigned long)size);
    unsigned char *bytes = lopi_alloc(room, 1);
    lop_status status = bytes ? LOP_OK : lopi_fail_memory(error, room);
    if (bytes) {
        stream.avail_in = (unsigned)size;
        stream.next_out = bytes;
        stream.avail_out = (unsigned)room;
        deflate(&stream, Z_FINISH); /* the bound leaves room for all */
        *out = (lopi_bytes){bytes, stream.total_out};
    }
    deflateEnd(&stream);
    return status;
}
