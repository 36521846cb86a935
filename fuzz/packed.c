/* Packed networks, and the plans that are kept of them. */
#include "reader.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lop/pack.h>
#include <lop/run.h>

#include "base/memory.h"
#include "run/container.h"
#include "run/hash.h"
#include "run/model.h"

enum { MEMORY = 1 << 20, RUNS = 1 << 12 };

static uint32_t get_u32(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static void set_u32(uint8_t *at, size_t value)
{
    for (size_t i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

/* Lengths of five bytes, of which these files need four. */
static size_t get_length(const uint8_t *at) { return at[0] | (size_t)get_u32(at + 1) << 8; }

static void set_length(uint8_t *at, size_t value)
{
    at[0] = (uint8_t)value;
    set_u32(at + 1, value >> 8);
}

/* The last section takes what is left; then all lengths and checksums are right. */
static size_t repair_lop(uint8_t *data, size_t size, size_t room)
{
    (void)room;
    if (size < LOPI_HEADER_SIZE + 4 || data[10] > 4)
        return size;
    size_t count = data[10], table = LOPI_HEADER_SIZE, end = table + count * LOPI_ENTRY_SIZE + 4;
    size_t at = end;
    if (size < end)
        return size;
    set_length(data + 11, size);
    for (size_t i = 0; i < count; i++) {
        uint8_t *entry = data + table + i * LOPI_ENTRY_SIZE;
        size_t length = get_length(entry + 1);
        if (length > size - at || i + 1 == count)
            length = size - at;
        set_length(entry + 1, length);
        set_u32(entry + 6, lopi_crc32c(data + at, length));
        at += length;
    }
    set_u32(data + end - 4, lopi_crc32c(data, end - 4));
    return size;
}

static size_t dense_weights(const lop_packed *packed)
{
    size_t count = 0;
    for (size_t i = 0; i < packed->layer_count; i++)
        count += (size_t)packed->layers[i].outputs * packed->layers[i].inputs;
    return count;
}

static size_t most_units(const lop_packed *packed)
{
    size_t most = packed->inputs;
    for (size_t i = 0; i < packed->layer_count; i++)
        most = packed->layers[i].outputs > most ? packed->layers[i].outputs : most;
    return most;
}

/* What the definition says, and how large its terms are: [outputs] each. */
static void define(const lop_packed *packed, double *x, double *y, double *size)
{
    for (size_t l = 0; l < packed->layer_count; l++) {
        const lopi_packed_layer *layer = &packed->layers[l];
        for (uint32_t r = 0; r < layer->outputs; r++) {
            double sum = layer->bias ? (double)layer->bias[r] : 0;
            size[r] = fabs(sum);
            for (uint32_t i = layer->row_start[r]; i < layer->row_start[r + 1]; i++) {
                double term = (double)lopi_packed_weight(layer, r, i) * x[layer->column[i]];
                sum += term;
                size[r] += fabs(term);
            }
            y[r] = layer->relu && sum < 0 ? 0 : sum;
        }
        memcpy(x, y, layer->outputs * sizeof *x);
    }
}

/* Run as programs run it: no kernel leaves its memory, and all that is finite is near. */
static void run(const lop_packed *packed)
{
    lop_plan *plan = NULL;
    lop_error error = {0};
    const lop_plan_options options = {
        .precision = LOP_RUN_FLOAT32, .max_batch = 1, .isa = "scalar"};
    size_t most = most_units(packed), inputs = packed->inputs, outputs = packed->outputs;
    double *x = lopi_alloc(3 * most, sizeof *x), *y = x + most, *size = y + most;
    float *in = lopi_alloc(inputs, sizeof *in), *out = lopi_alloc(outputs, sizeof *out);
    fuzz_expect(x && in && out, "memory for the check");
    lop_status status = lop_plan_new(&plan, packed, &options, &error);
    fuzz_expect(status == LOP_OK || status == LOP_E_LIMIT || status == LOP_E_MEMORY, error.text);
    if (status == LOP_OK) {
        void *workspace = lopi_alloc_aligned(lop_plan_workspace(plan), 1);
        for (size_t i = 0; i < inputs; i++)
            x[i] = (double)(in[i] = (float)(i % 5) - 1.5f);
        fuzz_expect_ok(lop_plan_run(plan, in, 1, out, workspace, lop_plan_workspace(plan), &error),
                       &error, "a plan that does not run");
        define(packed, x, y, size);
        /* One layer's rounding is bounded by its terms; behind several only finiteness is asked. */
        for (size_t r = 0; packed->layer_count == 1 && r < outputs; r++)
            fuzz_expect(!(size[r] < 1e30) || fabs((double)out[r] - y[r]) <= 1e-4 * size[r] + 1e-30,
                        "a packed network computes something else");
        lopi_free(workspace);
    }
    lop_plan_free(plan);
    lopi_free(x);
    lopi_free(in);
    lopi_free(out);
}

static void expect_same_weights(const lop_network *a, const lop_network *b)
{
    for (size_t l = 0; l < lop_network_layer_count(a); l++) {
        const lop_layer *x = lop_network_layer(a, l), *y = lop_network_layer(b, l);
        fuzz_expect(y && x->outputs == y->outputs && x->inputs == y->inputs && !x->bias == !y->bias,
                    "packed again it has another shape");
        for (size_t i = 0; i < x->outputs * x->inputs; i++)
            fuzz_expect(x->weight[i] == y->weight[i], "packed again it has other weights");
        for (size_t i = 0; x->bias && i < x->outputs; i++)
            fuzz_expect(x->bias[i] == y->bias[i], "packed again it has other biases");
    }
}

/* Unpack, pack, open, unpack: the same network. */
static void pack_again(const lop_packed *packed)
{
    lop_network *network = NULL, *again = NULL;
    lop_packed *second = NULL, *third = NULL;
    uint8_t *data = NULL;
    size_t size = 0;
    lop_error error = {0};
    const lop_pack_options options = {.keep_units = true, .keep_order = true};
    lop_status status = lop_unpack(&network, packed, &error);
    /* A layer may have the name that its neighbour's relu would get. */
    if (status == LOP_E_LIMIT || status == LOP_E_FORMAT || status == LOP_E_MEMORY)
        return;
    fuzz_expect_ok(status, &error, "a packed network that cannot be unpacked");
    status = lop_pack(&second, network, &options, &error);
    if (status == LOP_E_UNSUPPORTED || status == LOP_E_MEMORY) { /* ends in a relu */
        lop_network_free(network);
        return;
    }
    fuzz_expect_ok(status, &error, "an unpacked network that cannot be packed");
    fuzz_expect_ok(lop_packed_encode(second, &data, &size, &error), &error, "encoding");
    fuzz_expect_ok(lop_packed_open(&third, data, size, 0, &error), &error, "opening again");
    fuzz_expect_ok(lop_unpack(&again, third, &error), &error, "unpacking again");
    expect_same_weights(network, again);
    free(data);
    lop_packed_free(second);
    lop_packed_free(third);
    lop_network_free(network);
    lop_network_free(again);
}

/* All that is sound of a packed network that was read from `content`. */
static void expect_sound(const lop_packed *packed, const lop_packed *from_file,
                         const lopi_bytes *content)
{
    lop_packed *accounted = NULL, *again = NULL;
    lop_file_account account = {0};
    lop_error error = {0};
    uint8_t *data = NULL;
    size_t size = 0;
    fuzz_expect_ok(
        lop_packed_account(&account, &accounted, content->data, content->size, MEMORY, &error),
        &error, "the toolkit refuses what the runtime takes");
    fuzz_expect(packed->checksum == from_file->checksum &&
                    (!accounted || packed->checksum == accounted->checksum),
                "readers disagree");
    fuzz_expect(account.header + account.graph + account.positions + account.values +
                        account.other ==
                    content->size,
                "the account is not of all bytes");
    fuzz_expect_ok(lop_packed_encode(packed, &data, &size, &error), &error,
                   "a packed network that cannot be written");
    fuzz_expect_ok(lop_packed_open(&again, data, size, 0, &error), &error,
                   "a packed network, written again");
    fuzz_expect(packed->checksum == again->checksum, "a packed network does not come back");
    if (dense_weights(packed) <= RUNS) {
        run(packed);
        pack_again(packed);
    }
    free(data);
    lop_file_account_free(&account);
    lop_packed_free(accounted);
    lop_packed_free(again);
}

static lop_status read_lop(const char *path, const lopi_bytes *content, lop_error *error)
{
    lop_packed *packed = NULL, *from_file = NULL, *accounted = NULL;
    lop_file_account account = {0};
    lop_error other = {0};
    size_t memory = fuzz_thorough_one_in ? MEMORY : 0; /* 0: as the program has it */
    lop_status status = lop_packed_open_file(&from_file, path, memory, error);
    if (fuzz_thorough(content)) {
        fuzz_expect(lop_packed_open(&packed, content->data, content->size, MEMORY, &other) ==
                        status,
                    "from memory there is another status");
        if (status == LOP_OK)
            expect_sound(packed, from_file, content);
        else
            fuzz_expect(lop_packed_account(&account, &accounted, content->data, content->size,
                                           MEMORY, &other) == status,
                        "the toolkit's reader has another status");
    }
    lop_packed_free(packed);
    lop_packed_free(from_file);
    return status;
}

static lop_packed *small_packed(const lop_pack_values *values, bool bias)
{
    lop_network *network = NULL;
    lop_packed *packed = NULL;
    const size_t hidden = 4;
    const lop_mlp_spec spec = {
        .inputs = 5, .hidden = &hidden, .hidden_count = 1, .outputs = 3, .bias = bias, .seed = 2};
    fuzz_expect(lop_network_new_mlp(&network, &spec, NULL) == LOP_OK, "a small network");
    for (size_t l = 0; l < 2; l++) {
        const lop_layer *layer = lop_network_layer(network, l);
        for (size_t i = 0; i < layer->outputs * layer->inputs; i += 3)
            layer->weight[i] = 0;
    }
    static const float samples[10] = {0, 1, -1, 0.5f, 0, 2, 0, 0, 1, 1};
    const lop_samples data = {
        .count = 2, .features = 5, .height = 1, .width = 5, .floats = samples};
    const lop_pack_options options = {
        .values = values, .value_count = 1, .samples = bias ? &data : NULL, .keep_units = true};
    fuzz_expect(lop_pack(&packed, network, &options, NULL) == LOP_OK, "a packed network");
    lop_network_free(network);
    return packed;
}

static void seed_lop(const char *directory)
{
    static const struct {
        const char *name;
        lop_pack_values values;
    } kinds[] = {{"float32", {LOP_VALUES_FLOAT32, 0}},
                 {"float16", {LOP_VALUES_FLOAT16, 0}},
                 {"int8", {LOP_VALUES_INT8, 0}},
                 {"shared", {LOP_VALUES_SHARED, 4}}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        uint8_t *data = NULL;
        size_t size = 0;
        lop_packed *packed = small_packed(&kinds[i].values, i > 1);
        fuzz_expect(lop_packed_encode(packed, &data, &size, NULL) == LOP_OK, "a packed file");
        fuzz_seed(directory, kinds[i].name, data, size);
        free(data);
        lop_packed_free(packed);
    }
}

const fuzz_reader fuzz_lop = {"lop", "packed networks", 300, read_lop, repair_lop, seed_lop};

/* Saved plans -----------------------------------------------------------------------------------
 *
 * Their first lines are the machine's and their last the checksum. For an attack that gets behind
 * both, and for files that mean the same everywhere, "HEADER\n" at the start stands for the lines
 * of this machine, and "SUM\n" at the end for the right sum.
 */

static const char HEADER[] = "HEADER\n", SUM[] = "SUM\n";
static const lop_plan_options plan_options = {
    .precision = LOP_RUN_FLOAT32, .max_batch = 8, .isa = "scalar"};

static char *plan_text(const lop_plan *plan)
{
    size_t size = lop_plan_text(plan, NULL, 0);
    char *text = lopi_alloc(size, 1);
    fuzz_expect(text != NULL, "memory for a plan");
    lop_plan_text(plan, text, size);
    return text;
}

/* The part of a plan's text that a file may leave out. */
static size_t header_size(const char *text)
{
    const char *end = strstr(text, "\nmeasured ");
    return end ? (size_t)(end - text) + 1 : 0;
}

/* What the file means, in new memory. */
static char *meant(const lopi_bytes *content, const char *sound)
{
    const char *from = (const char *)content->data;
    size_t size = content->size, used = 0, header = header_size(sound);
    char *text = lopi_alloc(size + header + 32, 1);
    fuzz_expect(text != NULL, "memory for a plan");
    if (size >= sizeof HEADER - 1 && memcmp(from, HEADER, sizeof HEADER - 1) == 0) {
        memcpy(text, sound, header);
        used = header;
        from += sizeof HEADER - 1;
        size -= sizeof HEADER - 1;
    }
    memcpy(text + used, from, size);
    used += size;
    if (size >= sizeof SUM - 1 && memcmp(text + used - sizeof SUM + 1, SUM, sizeof SUM - 1) == 0) {
        used -= sizeof SUM - 1;
        snprintf(text + used, 32, "sum %016" PRIx64 "\n", lopi_hash(LOPI_HASH_START, text, used));
    }
    return text;
}

static lop_status read_plan(const char *path, const lopi_bytes *content, lop_error *error)
{
    static lop_packed *packed;
    static char *sound;
    lop_plan *plan = NULL, *again = NULL;
    lop_error other = {0};
    (void)path;
    if (!packed) {
        packed = small_packed(&(lop_pack_values){LOP_VALUES_FLOAT32, 0}, false);
        fuzz_expect(lop_plan_new(&plan, packed, &plan_options, NULL) == LOP_OK, "a plan");
        sound = plan_text(plan);
        lop_plan_free(plan);
        plan = NULL;
    }
    char *text = meant(content, sound);
    lop_plan_options options = plan_options;
    options.saved = text;
    lop_status status = lop_plan_new(&plan, packed, &options, error);
    if (status == LOP_OK && fuzz_thorough(content)) {
        static const float x[5] = {1, -2, 3, 0, 0.5f};
        float y[3];
        char *first = plan_text(plan);
        options.saved = first;
        fuzz_expect_ok(lop_plan_new(&again, packed, &options, &other), &other,
                       "a plan, saved again");
        char *second = plan_text(again);
        fuzz_expect(strcmp(first, second) == 0, "a plan does not come back");
        void *workspace = lopi_alloc_aligned(lop_plan_workspace(plan), 1);
        fuzz_expect_ok(lop_plan_run(plan, x, 1, y, workspace, lop_plan_workspace(plan), &other),
                       &other, "a saved plan does not run");
        lopi_free(workspace);
        lopi_free(first);
        lopi_free(second);
        lop_plan_free(again);
    }
    lop_plan_free(plan);
    lopi_free(text);
    return status;
}

static void seed_plan(const char *directory)
{
    lop_packed *packed = small_packed(&(lop_pack_values){LOP_VALUES_FLOAT32, 0}, false);
    lop_plan *plan = NULL;
    fuzz_expect(lop_plan_new(&plan, packed, &plan_options, NULL) == LOP_OK, "a plan");
    char *text = plan_text(plan), *file = lopi_alloc(strlen(text) + 32, 1);
    fuzz_expect(file != NULL, "memory for a plan");
    const char *sum = strstr(text, "\nsum "), *body = text + header_size(text);
    fuzz_expect(sum != NULL, "a plan's sum");
    int length =
        snprintf(file, strlen(text) + 32, "%s%.*s%s", HEADER, (int)(sum + 1 - body), body, SUM);
    fuzz_seed(directory, "guessed", file, (size_t)length);
    fuzz_seed(directory, "no-sum", file, (size_t)length - (sizeof SUM - 1));
    fuzz_seed(directory, "no-header", file + sizeof HEADER - 1, (size_t)length - sizeof HEADER + 1);
    lopi_free(file);
    lopi_free(text);
    lop_plan_free(plan);
    lop_packed_free(packed);
}

const fuzz_reader fuzz_plan = {"plan", "plans that are kept", 1000, read_plan, NULL, seed_plan};
