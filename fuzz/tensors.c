/* Networks in safetensors files, and checkpoints, which are the same with more in it. */
#include "reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lop/exchange.h>
#include <lop/network.h>
#include <lop/train.h>

#include "base/memory.h"
#include "exchange/safetensors.h"
#include "train/checkpoint.h"

/* The header's length becomes that of the JSON that stands there: to the brace that closes it. */
static size_t repair_header(uint8_t *data, size_t size, size_t room)
{
    size_t end = 8, depth = 0;
    bool text = false;
    (void)room;
    if (size < 10)
        return size;
    for (; end < size; end++) {
        uint8_t byte = data[end];
        if (text && byte == '\\')
            end++;
        else if (byte == '"')
            text = !text;
        else if (!text && (byte == '{' || byte == '['))
            depth++;
        else if (!text && (byte == '}' || byte == ']') && --depth + 1 <= 1)
            break;
    }
    if (end >= size)
        return size;
    end++;
    while (end < size && data[end] == ' ')
        end++;
    for (size_t i = 0; i < 8; i++)
        data[i] = (uint8_t)((uint64_t)(end - 8) >> (8 * i));
    return size;
}

static bool same_layers(const lop_network *a, const lop_network *b)
{
    bool same = lop_network_layer_count(a) == lop_network_layer_count(b);
    for (size_t i = 0; same && i < lop_network_layer_count(a); i++) {
        const lop_layer *x = lop_network_layer(a, i), *y = lop_network_layer(b, i);
        size_t count = x->outputs * x->inputs;
        same = x->outputs == y->outputs && x->inputs == y->inputs && !x->bias == !y->bias &&
               !x->mask == !y->mask && memcmp(x->weight, y->weight, count * sizeof(float)) == 0 &&
               (!x->bias || memcmp(x->bias, y->bias, x->outputs * sizeof(float)) == 0) &&
               (!x->mask || memcmp(x->mask, y->mask, count) == 0);
    }
    return same;
}

static lop_status read_safetensors(const char *path, const lopi_bytes *content, lop_error *error)
{
    lop_network *network = NULL, *again = NULL;
    char *metadata = NULL, *spec = NULL, *other_spec = NULL;
    lop_error other = {0};
    lop_status status = lop_network_load(&network, path, &metadata, error);
    fuzz_expect(status == LOP_OK || (!network && !metadata), "an output of what failed");
    if (status != LOP_OK || !fuzz_thorough(content)) {
        free(metadata);
        lop_network_free(network);
        return status;
    }
    fuzz_expect_ok(lop_network_save(network, fuzz_output(), NULL, true, &other), &other,
                   "a network that cannot be saved");
    fuzz_expect_ok(lop_network_load(&again, fuzz_output(), NULL, &other), &other,
                   "a network, saved again");
    fuzz_expect_ok(lop_network_spec(network, &spec, &other), &other, "the spec of a network");
    fuzz_expect_ok(lop_network_spec(again, &other_spec, &other), &other, "the spec of a network");
    fuzz_expect(strcmp(spec, other_spec) == 0 && same_layers(network, again),
                "a network does not come back");
    free(spec);
    free(other_spec);
    free(metadata);
    lop_network_free(network);
    lop_network_free(again);
    return LOP_OK;
}

static lop_network *small_network(bool masked)
{
    lop_network *network = NULL;
    const size_t hidden = 2;
    const lop_mlp_spec spec = {
        .inputs = 3, .hidden = &hidden, .hidden_count = 1, .outputs = 2, .bias = masked, .seed = 1};
    fuzz_expect(lop_network_new_mlp(&network, &spec, NULL) == LOP_OK, "a small network");
    if (masked) {
        fuzz_expect(lop_network_mask_new(network, 0, NULL) == LOP_OK, "a mask");
        lop_network_layer(network, 0)->mask[1] = 0;
        lop_network_apply_masks(network);
    }
    return network;
}

/* What other programs write: no metadata, types of two bytes. */
static void seed_foreign(const char *directory)
{
    static const uint16_t halves[6] = {0x3c00, 0x3800, 0xbc00, 0, 0x4000, 1}, bias[2] = {0, 0x3c00};
    const lopi_tensor tensors[] = {
        {.name = "a.1.weight", .dtype = LOPI_F16, .rank = 2, .shape = {2, 3}, .data = halves},
        {.name = "a.1.bias", .dtype = LOPI_BF16, .rank = 1, .shape = {2}, .data = bias},
        {.name = "a.2.weight", .dtype = LOPI_F16, .rank = 2, .shape = {1, 2}, .data = halves},
    };
    fuzz_expect(lopi_safetensors_write(fuzz_output(), tensors, 3, NULL, true, NULL) == LOP_OK,
                "a file of another program");
    fuzz_seed_file(directory, "foreign", fuzz_output());
}

static void seed_safetensors(const char *directory)
{
    for (int masked = 0; masked < 2; masked++) {
        lop_network *network = small_network(masked);
        fuzz_expect(lop_network_save(network, fuzz_output(), NULL, true, NULL) == LOP_OK, "seed");
        fuzz_seed_file(directory, masked ? "masked" : "plain", fuzz_output());
        lop_network_free(network);
    }
    seed_foreign(directory);
}

const fuzz_reader fuzz_safetensors = {"safetensors", "networks in safetensors files",
                                      1400,          read_safetensors,
                                      repair_header, seed_safetensors};

/* Checkpoints -----------------------------------------------------------------------------------
 */

/* A training as it is begun, fresh for each checkpoint. */
typedef struct training {
    lop_network *network;
    char *spec;
    float kept[2];
    lop_state callback;
    lop_train_options options;
    lopi_identity identity;
    lopi_state state;
} training;

static void begin(training *t, const char *path)
{
    *t = (training){.network = small_network(true), .options = lop_train_options_default()};
    fuzz_expect(lop_network_spec(t->network, &t->spec, NULL) == LOP_OK, "a spec");
    t->options.epochs = 3;
    t->options.batch_size = 4;
    t->options.patience = 2;
    t->options.checkpoint = path;
    t->callback = (lop_state){.name = "kept", .values = t->kept, .count = 2};
    t->identity = (lopi_identity){.options = &t->options,
                                  .network = t->spec,
                                  .states = &t->callback,
                                  .state_count = 1,
                                  .shrinks = true,
                                  .samples = 10,
                                  .data_hash = 0x0123456789abcdefu,
                                  .threads = 1,
                                  .precision = LOP_FLOAT32};
    fuzz_expect(lopi_state_init(&t->state, t->network, &t->options, NULL) == LOP_OK, "a state");
}

static void end(training *t)
{
    lopi_state_end(&t->state);
    lop_network_free(t->network);
    free(t->spec);
}

static lop_status read_checkpoint(const char *path, const lopi_bytes *content, lop_error *error)
{
    training t, again;
    lop_error other = {0};
    lopi_bytes first = {NULL, 0}, second = {NULL, 0};
    begin(&t, path);
    lop_status status = lopi_checkpoint_load(&t.state, &t.identity, error);
    if (status == LOP_OK && fuzz_thorough(content)) {
        t.options.checkpoint = fuzz_output();
        fuzz_expect_ok(lopi_checkpoint_save(&t.state, &t.identity, &other), &other,
                       "a checkpoint that cannot be saved");
        fuzz_expect_ok(lopi_file_read(&first, fuzz_output(), 1 << 20, &other), &other, "it");
        begin(&again, fuzz_output());
        fuzz_expect_ok(lopi_checkpoint_load(&again.state, &again.identity, &other), &other,
                       "a checkpoint, saved again");
        fuzz_expect(again.state.step == t.state.step &&
                        again.state.epoch_count == t.state.epoch_count &&
                        again.state.best_epoch == t.state.best_epoch &&
                        same_layers(t.network, again.network),
                    "a checkpoint does not come back");
        fuzz_expect_ok(lopi_checkpoint_save(&again.state, &again.identity, &other), &other, "it");
        fuzz_expect_ok(lopi_file_read(&second, fuzz_output(), 1 << 20, &other), &other, "it");
        fuzz_expect(first.size == second.size && memcmp(first.data, second.data, first.size) == 0,
                    "a checkpoint comes back in other bytes");
        lopi_free(first.data);
        lopi_free(second.data);
        end(&again);
    }
    end(&t);
    return status;
}

static void seed_checkpoint(const char *directory)
{
    training t;
    const lop_epoch epoch = {.epoch = 1, .learning_rate = 0.5, .validation_loss = 0.25};
    begin(&t, fuzz_output());
    fuzz_expect(lopi_checkpoint_save(&t.state, &t.identity, NULL) == LOP_OK, "a seed");
    fuzz_seed_file(directory, "begun", fuzz_output());
    t.state.step = 4; /* of three an epoch: one behind the first */
    fuzz_expect(lopi_state_finish_epoch(&t.state, &epoch, NULL) == LOP_OK, "an epoch");
    t.state.running = (lopi_running){.loss = 1.5, .correct = 2, .samples = 4, .seconds = 0.5};
    t.kept[0] = 0.25f;
    fuzz_expect(lopi_checkpoint_save(&t.state, &t.identity, NULL) == LOP_OK, "a seed");
    fuzz_seed_file(directory, "running", fuzz_output());
    end(&t);
}

const fuzz_reader fuzz_checkpoint = {"checkpoint",  "checkpoints of a training",
                                     4000,          read_checkpoint,
                                     repair_header, seed_checkpoint};
