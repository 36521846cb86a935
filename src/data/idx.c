#include "data/idx.h"

#include "base/cursor.h"
#include "base/error.h"
#include "base/memory.h"
#include "data/source.h"

#define MAX_DIMENSIONS 4
#define TYPE_BYTE      0x08

/* What a file's header must say, and what it said. */
typedef struct idx_kind {
    const char *what;
    uint8_t least, most; /* dimensions */
} idx_kind;

static const idx_kind images_kind = {"images", 2, MAX_DIMENSIONS};
static const idx_kind labels_kind = {"labels", 1, 1};

typedef struct idx_file {
    size_t shape[MAX_DIMENSIONS];
    uint8_t dimensions;
    size_t each; /* values a sample */
    void *owner;
    const uint8_t *values; /* [shape[0]][each] */
} idx_file;

static lop_status read_magic(lopi_source *source, const idx_kind *kind, idx_file *file,
                             lop_error *error)
{
    uint8_t magic[4] = {0};
    size_t count = 0;
    lop_status status = lopi_source_read(source, magic, sizeof magic, &count, error);
    if (status != LOP_OK)
        return status;
    if (count < sizeof magic)
        return lopi_fail_at(error, LOP_E_TRUNCATED, source->path, 0,
                            "expected an IDX header, found only %zu bytes", count);
    if (magic[0] != 0 || magic[1] != 0)
        return lopi_fail_at(error, LOP_E_FORMAT, source->path, 0,
                            "expected an IDX file of %s, which begins with 00 00 08 %02x, found "
                            "%02x %02x %02x %02x",
                            kind->what, kind->most == 1 ? 1 : 3, magic[0], magic[1], magic[2],
                            magic[3]);
    if (magic[2] != TYPE_BYTE)
        return lopi_fail_at(error, LOP_E_FORMAT, source->path, 2,
                            "expected values of type 0x08 (unsigned byte), found type 0x%02x",
                            magic[2]);
    if (magic[3] < kind->least || magic[3] > kind->most)
        return lopi_fail_at(error, LOP_E_FORMAT, source->path, 3,
                            "expected %s, with %d to %d dimensions, found %d; are images and "
                            "labels exchanged?",
                            kind->what, kind->least, kind->most, magic[3]);
    file->dimensions = magic[3];
    return LOP_OK;
}

static lop_status read_shape(lopi_source *source, const idx_kind *kind, idx_file *file,
                             lop_error *error)
{
    uint8_t bytes[4 * MAX_DIMENSIONS] = {0};
    size_t count = 0, expected = 4u * file->dimensions;
    lop_status status = lopi_source_read(source, bytes, expected, &count, error);
    if (status != LOP_OK)
        return status;
    if (count < expected)
        return lopi_fail_at(error, LOP_E_TRUNCATED, source->path, 4,
                            "expected %zu bytes of sizes, found %zu", expected, count);
    lopi_cursor cursor = {.data = bytes, .size = expected};
    file->each = 1;
    for (size_t i = 0; i < file->dimensions; i++) {
        uint32_t size = 0;
        lopi_cursor_u32_be(&cursor, &size);
        file->shape[i] = size;
        if (size == 0)
            return lopi_fail_at(error, LOP_E_FORMAT, source->path, 4 + 4 * i,
                                "expected at least one %s, found a size of 0",
                                i == 0 ? "sample" : "value a sample");
        if (i == 0 && size > LOP_MAX_SAMPLES)
            return lopi_fail_at(error, LOP_E_LIMIT, source->path, 4,
                                "expected at most %u %s, found %u", LOP_MAX_SAMPLES, kind->what,
                                size);
        if (i > 0 &&
            (!lopi_multiply(file->each, size, &file->each) || file->each > LOP_MAX_FEATURES))
            return lopi_fail_at(error, LOP_E_LIMIT, source->path, 4 + 4 * i,
                                "expected at most %u values a sample, found more",
                                LOP_MAX_FEATURES);
    }
    return LOP_OK;
}

/* file->owner is the caller's on success. */
static lop_status read_source(lopi_source *source, const idx_kind *kind, idx_file *file,
                              lop_error *error)
{
    size_t size;
    idx_file made = {0};
    lop_status status = read_magic(source, kind, &made, error);
    if (status == LOP_OK)
        status = read_shape(source, kind, &made, error);
    if (status != LOP_OK)
        return status;
    if (!lopi_multiply(made.shape[0], made.each, &size) || size > source->limit)
        return lopi_fail_at(error, LOP_E_LIMIT, source->path, 4,
                            "expected at most %llu bytes of values, found %zu times %zu",
                            (unsigned long long)source->limit, made.shape[0], made.each);
    status = lopi_source_rest(source, size, &made.owner, &made.values, error);
    if (status == LOP_OK)
        *file = made;
    return status;
}

static lop_status read_file(const char *path, const idx_kind *kind, size_t limit, idx_file *file,
                            lop_error *error)
{
    lopi_source source = {0};
    lop_status status = lopi_source_open(&source, path, limit, error);
    if (status == LOP_OK)
        status = read_source(&source, kind, file, error);
    lopi_source_close(&source);
    return status;
}

static lop_status widen_labels(const idx_file *file, lopi_part *part, lop_error *error)
{
    size_t count = file->shape[0];
    part->labels = lopi_alloc(count, sizeof *part->labels);
    if (!part->labels)
        return lopi_fail_memory(error, count * sizeof *part->labels);
    size_t largest = 0;
    for (size_t i = 0; i < count; i++) {
        part->labels[i] = file->values[i];
        largest = file->values[i] > largest ? file->values[i] : largest;
    }
    part->samples.labels = part->labels;
    part->samples.classes = largest + 1;
    return LOP_OK;
}

/* Image values become the part's. */
static void take_images(lopi_part *part, idx_file *image)
{
    bool flat = image->dimensions == 2;
    part->samples.count = image->shape[0];
    part->samples.features = image->each;
    part->samples.height = flat ? 1 : image->shape[1];
    part->samples.width = image->each / part->samples.height;
    part->samples.bytes = image->values;
    part->values = image->owner;
    image->owner = NULL;
}

lop_status lopi_idx_read(lopi_part *part, const char *images, const char *labels, size_t limit,
                         lop_error *error)
{
    idx_file image = {0}, label = {0};
    lopi_part made = {0};
    lop_status status = read_file(labels, &labels_kind, limit, &label, error);
    if (status == LOP_OK)
        status = read_file(images, &images_kind, limit, &image, error);
    if (status != LOP_OK)
        goto out;
    if (image.shape[0] != label.shape[0]) {
        status = lopi_fail_at(error, LOP_E_FORMAT, labels, 4,
                              "expected %zu labels, one for each image, found %zu", image.shape[0],
                              label.shape[0]);
        goto out;
    }
    status = widen_labels(&label, &made, error);
    if (status != LOP_OK)
        goto out;
    take_images(&made, &image);
    *part = made;
out:
    lopi_free(image.owner);
    lopi_free(label.owner);
    return status;
}

lop_status lopi_idx_read_images(lopi_part *part, lopi_source *source, lop_error *error)
{
    idx_file image = {0};
    lopi_part made = {0};
    lop_status status = read_source(source, &images_kind, &image, error);
    if (status != LOP_OK)
        return status;
    take_images(&made, &image);
    *part = made;
    return LOP_OK;
}
