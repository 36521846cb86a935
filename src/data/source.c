#include "data/source.h"

#include <limits.h>
#include <string.h>

#include <lop/data.h>

#include "base/error.h"
#include "base/memory.h"

/* So much content for any gzip file, and so much more for each of its bytes. Deflate can do a
 * thousand; data that is worth learning from stays far below. */
#define GZIP_BASE (16u << 20)
#define GZIP_RATE 32

static bool begins_as_gzip(const uint8_t *data, size_t size)
{
    return size >= 2 && data[0] == 0x1f && data[1] == 0x8b;
}

lop_status lopi_source_open(lopi_source *source, const char *path, size_t limit, lop_error *error)
{
    lopi_source made = {.path = path, .limit = limit};
    lop_status status = lopi_file_read(&made.file, path, limit, error);
    if (status != LOP_OK)
        return status;
    made.gzip = begins_as_gzip(made.file.data, made.file.size);
    *source = made;
    /* 15 + 16: the largest window, and a gzip header rather than zlib's. */
    if (made.gzip && inflateInit2(&source->stream, 15 + 16) != Z_OK) {
        lopi_free(made.file.data);
        *source = (lopi_source){0};
        return lopi_fail_memory(error, 1 << 15);
    }
    return LOP_OK;
}

void lopi_source_close(lopi_source *source)
{
    if (source->gzip)
        inflateEnd(&source->stream);
    lopi_free(source->file.data);
    *source = (lopi_source){0};
}

static size_t file_left(const lopi_source *source) { return source->file.size - source->position; }

static lop_status damaged(const lopi_source *source, lop_error *error)
{
    return lopi_fail_at(error, LOP_E_FORMAT, source->path, source->position,
                        "expected sound gzip data, found damage (%s); fetch the file again",
                        source->stream.msg ? source->stream.msg : "not gzip");
}

/* One member is done: another may follow (RFC 1952, 2.2), anything else may not. */
static lop_status next_member(lopi_source *source, lop_error *error)
{
    if (file_left(source) == 0) {
        source->ended = true;
        return LOP_OK;
    }
    if (!begins_as_gzip(source->file.data + source->position, file_left(source)))
        return lopi_fail_at(error, LOP_E_FORMAT, source->path, source->position,
                            "expected the end of the gzip file, found %zu bytes behind it",
                            file_left(source));
    return inflateReset(&source->stream) == Z_OK ? LOP_OK : damaged(source, error);
}

/* One call of inflate: as much as fits into `out`, and as zlib's 32-bit sizes allow. */
static lop_status inflate_some(lopi_source *source, uint8_t *out, size_t size, size_t *count,
                               lop_error *error)
{
    z_stream *stream = &source->stream;
    size_t input = file_left(source) < UINT_MAX ? file_left(source) : UINT_MAX;
    size_t output = size < UINT_MAX ? size : UINT_MAX;
    stream->next_in = source->file.data + source->position;
    stream->avail_in = (uInt)input;
    stream->next_out = out;
    stream->avail_out = (uInt)output;
    int result = inflate(stream, Z_NO_FLUSH);
    source->position += input - stream->avail_in;
    *count = output - stream->avail_out;
    if (result == Z_STREAM_END)
        return next_member(source, error);
    if (result == Z_MEM_ERROR)
        return lopi_fail_memory(error, 1 << 15);
    if (result == Z_BUF_ERROR || (result == Z_OK && *count == 0 && file_left(source) == 0))
        return lopi_fail_at(error, LOP_E_TRUNCATED, source->path, source->position,
                            "expected more gzip data, found the end of the file; fetch it again");
    return result == Z_OK ? LOP_OK : damaged(source, error);
}

static lop_status read_plain(lopi_source *source, void *out, size_t size, size_t *count)
{
    size_t some = size < file_left(source) ? size : file_left(source);
    memcpy(out, source->file.data + source->position, some);
    source->position += some;
    source->offset += some;
    *count = some;
    return LOP_OK;
}

lop_status lopi_source_read(lopi_source *source, void *out, size_t size, size_t *count,
                            lop_error *error)
{
    if (!source->gzip)
        return read_plain(source, out, size, count);
    size_t done = 0;
    while (done < size && !source->ended) {
        size_t some = 0;
        lop_status status = inflate_some(source, (uint8_t *)out + done, size - done, &some, error);
        if (status != LOP_OK)
            return status;
        done += some;
    }
    source->offset += done;
    *count = done;
    return LOP_OK;
}

static lop_status too_short(const lopi_source *source, size_t expected, size_t found,
                            lop_error *error)
{
    return lopi_fail_at(error, LOP_E_TRUNCATED, source->path, source->offset,
                        "expected %zu more bytes, as the header says, found %zu", expected, found);
}

static lop_status too_long(const lopi_source *source, lop_error *error)
{
    return lopi_fail_at(error, LOP_E_FORMAT, source->path, source->offset,
                        "expected the end, as the header says, found more bytes");
}

/* Most bytes of content that the gzip file may have. The product fits: no file that was read has
 * 2⁵⁸. */
static uint64_t gzip_most(const lopi_source *source)
{
    return GZIP_BASE + GZIP_RATE * (uint64_t)source->file.size;
}

static lop_status rest_of_gzip(lopi_source *source, size_t size, void **owner, const uint8_t **data,
                               lop_error *error)
{
    if (size > gzip_most(source))
        return lopi_fail_at(error, LOP_E_LIMIT, source->path, source->offset,
                            "expected at most %llu bytes in a gzip file of %zu, found a header "
                            "that says %zu; if they are there, decompress the file first",
                            (unsigned long long)gzip_most(source), source->file.size, size);
    uint8_t *block = lopi_alloc(size, 1);
    if (!block)
        return lopi_fail_memory(error, size);
    uint8_t more;
    uint64_t start = source->offset;
    size_t count = 0, behind = 0;
    lop_status status = lopi_source_read(source, block, size, &count, error);
    if (status == LOP_OK && count < size) {
        source->offset = start;
        status = too_short(source, size, count, error);
    }
    /* Asking for one byte more also checks the trailer: zlib looks at it only then. */
    if (status == LOP_OK)
        status = lopi_source_read(source, &more, 1, &behind, error);
    if (status == LOP_OK && behind > 0) {
        source->offset--;
        status = too_long(source, error);
    }
    if (status != LOP_OK) {
        lopi_free(block);
        return status;
    }
    *owner = block;
    *data = block;
    return LOP_OK;
}

lop_status lopi_source_rest(lopi_source *source, size_t size, void **owner, const uint8_t **data,
                            lop_error *error)
{
    if (source->gzip)
        return rest_of_gzip(source, size, owner, data, error);
    size_t left = file_left(source);
    if (left < size)
        return too_short(source, size, left, error);
    if (left > size) {
        source->offset += size;
        return too_long(source, error);
    }
    /* The file's own block serves: nothing is copied. */
    *owner = source->file.data;
    *data = source->file.data + source->position;
    source->file = (lopi_bytes){0};
    source->position = 0;
    return LOP_OK;
}

/* Grow by doubling up to one byte above the limit, which shows that there is more. */
static lop_status load_gzip(lopi_source *source, lopi_bytes *out, size_t limit, lop_error *error)
{
    size_t capacity = 1 << 16, size = 0;
    uint8_t *data = lopi_alloc(capacity, 1);
    if (!data)
        return lopi_fail_memory(error, capacity);
    lop_status status;
    for (;;) {
        size_t count = 0;
        status = lopi_source_read(source, data + size, capacity - size, &count, error);
        size += count;
        if (status == LOP_OK && size > limit)
            status = lopi_fail_file(error, LOP_E_LIMIT, source->path,
                                    "expected at most %zu bytes in a gzip file of %zu, found more; "
                                    "if it is sound, decompress it first",
                                    limit, source->file.size);
        if (status != LOP_OK || size < capacity)
            break;
        uint8_t *larger = lopi_realloc(data, capacity, 2);
        if (!larger) {
            status = lopi_fail_memory(error, capacity);
            break;
        }
        data = larger;
        capacity *= 2;
    }
    if (status != LOP_OK) {
        lopi_free(data);
        return status;
    }
    data[size] = 0; /* size < capacity here */
    *out = (lopi_bytes){data, size};
    return LOP_OK;
}

lop_status lopi_source_load(lopi_bytes *out, const char *path, size_t limit, lop_error *error)
{
    lopi_source source = {0};
    size_t packed; /* what does not compress becomes a little longer by gzip */
    if (!lopi_add(limit, limit / 1000 + 1024, &packed))
        packed = SIZE_MAX;
    lop_status status = lopi_source_open(&source, path, packed, error);
    if (status != LOP_OK)
        return status;
    if (source.gzip) {
        if (limit > gzip_most(&source))
            limit = (size_t)gzip_most(&source);
        status = load_gzip(&source, out, limit, error);
    } else if (source.file.size > limit) {
        status = lopi_fail_file(error, LOP_E_LIMIT, path, "expected at most %zu bytes, found %zu",
                                limit, source.file.size);
    } else {
        *out = source.file;
        source.file = (lopi_bytes){0};
    }
    lopi_source_close(&source);
    return status;
}
