#include "train/record.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/error.h"
#include "base/hooks.h"
#include "base/memory.h"
#include "nn/json_dump.h"
#include "nn/json_read.h"
#include "train/options.h"

enum { VERSION = 2 };

/* A member of a struct and its name in JSON. Counts are whole numbers; reals that are not finite
 * are left out and read back as NaN. */
typedef struct member {
    const char *name;
    size_t offset;
    bool whole; /* size_t, else double */
} member;

static const member state_members[] = {
#define MEMBER(name, field, whole)                                                                 \
    {                                                                                              \
        name, offsetof(lopi_state, field), whole                                                   \
    }
    MEMBER("step", step, true),
    MEMBER("running_loss", running.loss, false),
    MEMBER("running_correct", running.correct, true),
    MEMBER("running_samples", running.samples, true),
    MEMBER("running_seconds", running.seconds, false),
    MEMBER("best_loss", best_loss, false),
    MEMBER("best_epoch", best_epoch, true),
    MEMBER("stale", stale, true),
    MEMBER("seconds", seconds, false),
#undef MEMBER
};
enum { STATE_MEMBERS = sizeof state_members / sizeof *state_members };

static const member epoch_members[] = {
#define MEMBER(field, whole)                                                                       \
    {                                                                                              \
#field, offsetof(lop_epoch, field), whole                                                  \
    }
    MEMBER(epoch, true),
    MEMBER(learning_rate, false),
    MEMBER(sparsity, false),
    MEMBER(train_loss, false),
    MEMBER(train_accuracy, false),
    MEMBER(validation_loss, false),
    MEMBER(validation_accuracy, false),
    MEMBER(test_loss, false),
    MEMBER(test_accuracy, false),
    MEMBER(seconds, false),
#undef MEMBER
};
enum { EPOCH_MEMBERS = sizeof epoch_members / sizeof *epoch_members };

static bool write_members(json_t *object, const void *from, const member *members, size_t count)
{
    bool ok = object != NULL;
    for (size_t i = 0; ok && i < count; i++) {
        const char *at = (const char *)from + members[i].offset;
        if (members[i].whole) {
            size_t value = *(const size_t *)(const void *)at;
            ok = json_object_set_new(object, members[i].name, json_integer((json_int_t)value)) == 0;
        } else {
            double value = *(const double *)(const void *)at;
            if (isfinite(value))
                ok = json_object_set_new(object, members[i].name, json_real(value)) == 0;
        }
    }
    return ok;
}

static bool read_members(const json_t *object, void *to, const member *members, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char *at = (char *)to + members[i].offset;
        const json_t *value = json_object_get(object, members[i].name);
        if (members[i].whole) {
            if (!json_is_integer(value) || json_integer_value(value) < 0)
                return false;
            *(size_t *)(void *)at = (size_t)json_integer_value(value);
        } else {
            if (value && !json_is_number(value))
                return false;
            *(double *)(void *)at = value ? json_number_value(value) : NAN;
        }
    }
    return true;
}

static json_t *history_json(const lopi_state *state)
{
    json_t *history = json_array();
    for (size_t i = 0; history && i < state->epoch_count; i++) {
        json_t *epoch = json_object();
        bool ok = write_members(epoch, &state->epochs[i], epoch_members, EPOCH_MEMBERS);
        if (!ok || json_array_append(history, epoch) != 0) {
            json_decref(history);
            history = NULL;
        }
        json_decref(epoch);
    }
    return history;
}

static void hash_text(uint64_t hash, char text[17]) { snprintf(text, 17, "%016" PRIx64, hash); }

lop_status lopi_record_write(const lopi_state *state, const lopi_identity *identity, char **text,
                             lop_error *error)
{
    const lop_train_options *options = identity->options;
    char hash[17], teacher[17], *made = NULL;
    hash_text(identity->data_hash, hash);
    hash_text(identity->teacher_hash, teacher);
    json_t *object = json_object();
    bool ok =
        write_members(object, state, state_members, STATE_MEMBERS) &&
        json_object_set_new(object, "version", json_integer(VERSION)) == 0 &&
        json_object_set_new(object, "options", lopi_train_options_json(options)) == 0 &&
        json_object_set_new(object, "metadata",
                            json_string(options->metadata ? options->metadata : "")) == 0 &&
        json_object_set_new(object, "samples", json_integer((json_int_t)identity->samples)) == 0 &&
        json_object_set_new(object, "threads", json_integer((json_int_t)identity->threads)) == 0 &&
        json_object_set_new(object, "precision",
                            json_string(lop_precision_name(identity->precision))) == 0 &&
        json_object_set_new(object, "data_hash", json_string(hash)) == 0 &&
        json_object_set_new(object, "teacher_hash", json_string(teacher)) == 0 &&
        json_object_set_new(object, "network", json_string(identity->network)) == 0 &&
        json_object_set_new(object, "history", history_json(state)) == 0;
    if (ok)
        made = lopi_json_dump(object, JSON_COMPACT | JSON_REAL_PRECISION(17));
    json_decref(object);
    if (!made)
        return lopi_fail(error, LOP_E_MEMORY, "no memory for the record of %zu epochs",
                         state->epoch_count);
    *text = made;
    return LOP_OK;
}

static lop_status compare_networks(const json_t *object, const lopi_identity *identity,
                                   lop_error *error)
{
    char hash[17];
    const char *found = json_string_value(json_object_get(object, "network"));
    if (!found || strcmp(found, identity->network) != 0)
        return lopi_fail(error, LOP_E_ARG,
                         "the checkpoint is of a training that began with another network; begin "
                         "with the same, name another checkpoint, or remove it to start anew");
    hash_text(identity->teacher_hash, hash);
    found = json_string_value(json_object_get(object, "teacher_hash"));
    if (!found || strcmp(found, hash) != 0)
        return lopi_fail(error, LOP_E_ARG,
                         "the checkpoint is of a training with another teacher; give the same, or "
                         "remove the checkpoint to start anew");
    return LOP_OK;
}

static lop_status compare_identity(const json_t *object, const lopi_identity *identity,
                                   lop_error *error)
{
    lop_status status =
        lopi_train_options_compare(identity->options, json_object_get(object, "options"), error);
    if (status != LOP_OK)
        return status;
    const char *wanted = identity->options->metadata ? identity->options->metadata : "";
    const char *found = json_string_value(json_object_get(object, "metadata"));
    if (!found || strcmp(found, wanted) != 0)
        return lopi_fail(error, LOP_E_ARG,
                         "the checkpoint is of \"%.120s\" and not of \"%.120s\"; name another "
                         "checkpoint, or remove it to start anew",
                         found ? found : "", wanted);
    char hash[17];
    hash_text(identity->data_hash, hash);
    found = json_string_value(json_object_get(object, "data_hash"));
    json_int_t samples = json_integer_value(json_object_get(object, "samples"));
    if (!found || strcmp(found, hash) != 0 || samples != (json_int_t)identity->samples)
        return lopi_fail(error, LOP_E_ARG,
                         "the checkpoint was trained on %" JSON_INTEGER_FORMAT
                         " samples of another split or other data; give the same data and seed, "
                         "or remove the checkpoint to start anew",
                         samples);
    return compare_networks(object, identity, error);
}

static lop_status read_history(const json_t *history, lop_epoch **out, lop_error *error)
{
    size_t count = json_array_size(history);
    lop_epoch *epochs = lopi_alloc(count ? count : 1, sizeof *epochs);
    if (!epochs)
        return lopi_fail_memory(error, count * sizeof *epochs);
    for (size_t i = 0; i < count; i++) {
        const json_t *epoch = json_array_get(history, i);
        if (read_members(epoch, &epochs[i], epoch_members, EPOCH_MEMBERS) &&
            epochs[i].epoch == i + 1)
            continue;
        lopi_free(epochs);
        return lopi_fail(error, LOP_E_FORMAT, "the checkpoint's history is damaged at epoch %zu",
                         i + 1);
    }
    *out = epochs;
    return LOP_OK;
}

/* Same bytes are promised for the same threads and precision only. */
static void warn_of_differences(const json_t *object, const lopi_identity *identity)
{
    json_int_t threads = json_integer_value(json_object_get(object, "threads"));
    const char *precision = json_string_value(json_object_get(object, "precision"));
    if (threads != (json_int_t)identity->threads)
        lopi_message(identity->options->hooks, LOP_WARNING,
                     "the checkpoint was trained with %" JSON_INTEGER_FORMAT
                     " threads and not %zu: results may differ in the last digits",
                     threads, identity->threads);
    if (!precision || strcmp(precision, lop_precision_name(identity->precision)) != 0)
        lopi_message(identity->options->hooks, LOP_WARNING,
                     "the checkpoint was trained in %.20s and not %s: results may differ",
                     precision ? precision : "an unknown precision",
                     lop_precision_name(identity->precision));
}

/* Numbers that contradict one another would send the loop astray. */
static bool consistent(const lopi_state *state, const lopi_identity *identity)
{
    size_t batch = identity->options->batch_size;
    size_t steps_per_epoch = (identity->samples + batch - 1) / batch;
    size_t position = state->step % steps_per_epoch;
    return state->epoch_count <= identity->options->epochs &&
           state->step / steps_per_epoch == state->epoch_count &&
           state->running.samples == position * batch && /* fits: at most the samples and a batch */
           state->running.correct <= state->running.samples && isfinite(state->running.loss) &&
           state->best_epoch <= state->epoch_count && (state->best_epoch == 0 || state->best) &&
           state->stale <= state->epoch_count;
}

static lop_status read_object(lopi_state *state, const lopi_identity *identity,
                              const json_t *object, lop_error *error)
{
    json_int_t version = json_integer_value(json_object_get(object, "version"));
    if (!json_is_object(object) || version < 1)
        return lopi_fail(error, LOP_E_FORMAT, "expected a checkpoint's record, found none");
    if (version != VERSION)
        return lopi_fail(error, LOP_E_VERSION,
                         "expected a checkpoint of version %d, found %" JSON_INTEGER_FORMAT
                         "; use the lop that wrote it",
                         VERSION, version);
    lop_status status = compare_identity(object, identity, error);
    if (status != LOP_OK)
        return status;
    lopi_state read = *state;
    json_t *history = json_object_get(object, "history");
    read.epoch_count = json_array_size(history);
    bool ok = json_is_array(history) && read_members(object, &read, state_members, STATE_MEMBERS) &&
              consistent(&read, identity);
    if (!ok)
        return lopi_fail(error, LOP_E_FORMAT, "the checkpoint's record is damaged");
    if (isnan(read.best_loss))
        read.best_loss = INFINITY;
    status = read_history(history, &read.epochs, error);
    if (status != LOP_OK)
        return status;
    warn_of_differences(object, identity);
    lopi_free(state->epochs);
    *state = read;
    return LOP_OK;
}

lop_status lopi_record_read(lopi_state *state, const lopi_identity *identity, const char *text,
                            lop_error *error)
{
    json_error_t where;
    json_t *object = NULL;
    lop_status status = lopi_json_read(&object, text, strlen(text), &where);
    if (status == LOP_E_MEMORY)
        return lopi_fail_memory(error, strlen(text));
    if (status != LOP_OK)
        return lopi_fail(error, status, "the checkpoint's record is damaged: %s", where.text);
    status = read_object(state, identity, object, error);
    json_decref(object);
    return status;
}
