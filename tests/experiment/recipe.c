#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <lop/experiment.h>

#include "base/file.h"

static char path[] = "/tmp/lop-recipe-XXXXXX";

static int make_file(void **state)
{
    (void)state;
    int descriptor = mkstemp(path);
    return descriptor < 0 ? -1 : close(descriptor);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static lop_status load(lop_recipe *recipe, const char *text, lop_error *error)
{
    assert_int_equal(lopi_file_write(path, text, strlen(text), true, NULL), LOP_OK);
    return lop_recipe_load(recipe, path, error);
}

static void the_default_is_the_challenge(void **state)
{
    (void)state;
    lop_recipe recipe;
    assert_int_equal(lop_recipe_default(&recipe, NULL), LOP_OK);
    assert_int_equal(lop_recipe_check(&recipe, NULL), LOP_OK);
    assert_string_equal(recipe.data, "mnist");
    static const size_t hidden[] = {1000, 1000, 500, 200};
    static const double percents[] = {0, 25, 50, 60, 70, 80, 90, 95, 97, 99};
    assert_int_equal(recipe.hidden_count, 4);
    assert_memory_equal(recipe.hidden, hidden, sizeof hidden);
    assert_int_equal(recipe.sparsity_count, 10);
    for (size_t i = 0; i < 10; i++)
        assert_true(recipe.sparsities[i] == percents[i] / 100);
    assert_int_equal(recipe.method_count, 2);
    assert_int_equal(recipe.seed, 1);
    assert_int_equal(recipe.seed_count, 1);
    lop_recipe_free(&recipe);
}

static void what_a_file_does_not_say_stays(void **state)
{
    (void)state;
    lop_recipe recipe;
    lop_error error = {0};
    assert_int_equal(lop_recipe_default(&recipe, NULL), LOP_OK);
    assert_int_equal(load(&recipe,
                          "# mine\n"
                          "data: fashion-mnist\n"
                          "layers: [300, 100]\n"
                          "train:\n"
                          "  epochs: 3\n"
                          "  optimizer: sgd\n"
                          "  learning_rate: 1e-2\n"
                          "prune:\n"
                          "  methods: [unit]\n"
                          "  sparsity_percent: [0, 12.5, 97]\n"
                          "  scope: global\n"
                          "seeds: 5\n",
                          &error),
                     LOP_OK);
    assert_string_equal(recipe.data, "fashion-mnist");
    assert_int_equal(recipe.hidden_count, 2);
    assert_int_equal(recipe.hidden[1], 100);
    assert_int_equal(recipe.train.epochs, 3);
    assert_int_equal(recipe.train.optimizer, LOP_OPTIMIZER_SGD);
    assert_true(recipe.train.learning_rate == 1e-2);
    assert_int_equal(recipe.method_count, 1);
    assert_int_equal(recipe.methods[0], LOP_GRANULARITY_UNIT);
    assert_true(recipe.sparsities[1] == 0.125 && recipe.sparsities[2] == 0.97);
    assert_int_equal(recipe.prune.scope, LOP_SCOPE_GLOBAL);
    assert_int_equal(recipe.seed_count, 5);
    /* not said */
    assert_int_equal(recipe.seed, 1);
    assert_int_equal(recipe.train.batch_size, lop_train_options_default().batch_size);

    /* a second file over the first */
    assert_int_equal(load(&recipe, "train: {epochs: 4}\n", &error), LOP_OK);
    assert_int_equal(recipe.train.epochs, 4);
    assert_int_equal(recipe.hidden_count, 2);
    /* and an empty one */
    assert_int_equal(load(&recipe, "# nothing\n", &error), LOP_OK);
    lop_recipe_free(&recipe);
}

/* Each with the line where it stands and words that help; the recipe stays as it was. */
static const struct {
    const char *text;
    unsigned line;
    const char *words;
} wrong[] = {
    {"data: mnist\nlayer: [3]\n", 2, "unknown key 'layer'; did you mean 'layers'"},
    {"train:\n  epochs: 3\n  optimiser: sgd\n", 3, "did you mean 'optimizer' in section train"},
    {"data: mnist\n\n\nepochs: 3\n", 4, "did you mean 'epochs' in section train"},
    {"qqqqqqqq: 1\n", 1, "unknown key 'qqqqqqqq'"},
    {"train:\n  epochs: many\n", 2, "expected a whole number, found 'many'"},
    {"train:\n  epochs: 2.5\n", 2, "expected a whole number, found '2.5'"},
    {"data: mnist\ntrain:\n  learning_rate: fast\n", 3, "expected a number, found 'fast'"},
    {"layers: 5\n", 1, "expected a list"},
    {"layers: []\n", 1, ""},
    {"bias: false\nlayers: [100, -3]\n", 2, "expected 1 to 1048576, found -3"},
    {"train:\n  epochs: 0\n", 2, "expected 1 to 100000, found 0"},
    {"train:\n  epochs: -1\n", 2, "found -1"},
    {"train:\n  dropout: 1\n", 2, "expected 0 to below 1, found 1"},
    {"train:\n  dropout: .nan\n", 2, ""},
    {"train:\n  - epochs\n", 2, "expected keys and values"},
    {"train:\n  optimizer: adm\n", 2, "expected one of adamw, adam, sgd; found 'adm'"},
    {"prune:\n  methods: [weight, weihgt]\n", 2, "expected one of weight, unit"},
    {"prune:\n  sparsity_percent: [0, 100]\n", 2, "expected 0 to below 100, found 100"},
    {"prune:\n  sparsity_percent: [50, 25]\n", 2, "expected rising numbers"},
    {"layers: [3]\nnetwork:\n- {op: input, name: in, width: 4}\n", 2,
     "a network says its own layers"},
    {"network:\n- {op: input, name: in, width: 4}\n- {op: magic, name: m, input: in}\n", 1,
     "magic"},
    {"data: a\n data: b\n", 0, ""},
    {"seeds: 1\nseeds: 2\n", 0, "twice"},
    {"data: [a\n", 0, ""},
    {"data: a\n---\ndata: b\n", 0, ""},
    {"data: &x a\nlabel_column: *x\n", 0, ""},
    {"prune:\n  methods: [unit, unit]\n", 0, "unit is there twice"},
    {"prune:\n  methods: [weight]\n  criteria: [magnitude, beauty]\n", 3, "beauty"},
    {"prune:\n  criteria: [l2, l2]\n", 2, "l2 is there twice"},
    {"prune:\n  schedules: [gradule]\n", 2, "lottery; found 'gradule'"},
    {"prune:\n  schedules: [gradual]\n", 2, "no epochs of recovery"},
    {"prune:\n  scope: global\n  allocation: erk\n", 3, "leave out one of the two"},
    {"prune:\n  allocation: list\n", 1, "one number for each layer"},
    {"prune:\n  list_percent: [50, 60]\n", 2, "only allocation list looks at it"},
    {"prune:\n  min_keep: 1\n", 2, "for method weight alone, found unit"},
    {"prune:\n  drop_fraction: 0\n", 2, "expected above 0 to below 1, found 0"},
    {"prune:\n  drop_fraction: 0.2\n", 2,
     "drop_fraction: only schedules set and rigl look at it, found schedule oneshot"},
    {"prune:\n  schedules: [oneshot, gradual]\n  rounds: 3\nrecovery: {epochs: 2}\n", 3,
     "rounds: only schedules iterative and lottery look at it"},
    {"prune:\n  methods: [weight]\n  n: 1\n  m: 4\n", 3, "n: only method nm looks at it"},
    {"prune:\n  methods: [nm]\n  block_columns: 2\n", 3, "block_columns: only method block looks"},
    {"prune:\n  rewind_step: 9\n", 2, "rewind_step: only schedule lottery looks at it"},
    {"stages:\n  - {method: unit}\n  - method: weight\n    initial_percent: 10\n"
     "    sparsity_percent: 50\n",
     4, "initial_percent: only schedules gradual, linear and iterative look at it"},
    {"recovery:\n  epochs: 2\n  distill_temperature: 2\n", 3, "say how much (distill_weight)"},
    {"recovery:\n  distill_weight: 0.5\n", 2, "no epochs of recovery in which to learn"},
    {"prune_while_training: true\nrecovery:\n  epochs: 2\n  distill_weight: 0.5\n", 4,
     "no dense network to learn from"},
    {"stages: 5\n", 1, "expected a list"},
    {"stages: []\n", 1, ""},
    {"stages:\n  - method: wieght\n", 2, "expected one of weight, unit"},
    {"stages:\n  - method: unit\n    sparsity_percent: 90\n  - method: weight\n"
     "    sparsity_percent: 100\n",
     5, "stages.sparsity_percent: expected 0 to below 100, found 100"},
    {"stages:\n  - method: unit\n    criterion: magnitude\n", 3, "magnitude"},
    {"stages:\n  - {method: unit}\n  - {method: weight, criterion: l2}\n", 3, "l2"},
    {"stages:\n  - method: weight\n    spersity_percent: 9\n", 3, "sparsity_percent"},
    {"stages:\n  - method: nm\n    n: 1\n    m: 4\n    sparsity_percent: 50\n", 5,
     "1:4 removes 75 %, found 50 %"},
    {"stages:\n- method: nm\n  n: 5\n  m: 4\n", 2, "expected 1 to 4 kept of 4, found 5"},
    {"recovery:\n  epochs: 4\nstages:\n  - method: weight\n    sparsity_percent: 9\n"
     "    schedule: linear\n    begin_epoch: 3\n    end_epoch: 2\n",
     8, "ends at epoch 2, before it begins at epoch 3"},
    {"recovery:\n  epochs: 4\nstages:\n  - method: weight\n    end_epoch: 5\n", 5,
     "ends at epoch 5, but training has 4"},
    {"prune:\n  begin_epoch: 7\nrecovery:\n  epochs: 4\nstages:\n  - method: weight\n", 6,
     "expected 0 to 4, found 7"},
    {"recovery: {epochs: 4}\nstages:\n  - method: weight\n    sparsity_percent: 50\n"
     "    schedule: gradual\n    initial_percent: 60\n",
     6, "begins with 60 %, above its target of 50 %"},
    {"stages:\n  - {method: unit}\n  - {method: weight, schedule: lottery}\n", 3, "the only stage"},
    {"train:\n  epochs: 4\nshare:\n  entries: [8]\n  begin_epoch: 5\n", 5,
     "begin_epoch: expected 0 to below 4, found 5"},
    {"train:\n  epochs: 4\nshare:\n  entries: [8]\n  begin_epoch: 2\n  hold_epoch: 1\n", 6,
     "hold_epoch: expected 2 to 4, found 1"},
    {"prune_while_training: true\ntrain:\n  epochs: 4\nstages:\n  - method: weight\n"
     "    sparsity_percent: 50\n    schedule: gradual\n    end_epoch: 3\n"
     "share:\n  entries: [8]\n  begin_epoch: 2\n",
     11, "pruning ends at epoch 3"},
    {"train:\n  epochs: 4\n  patience: 2\nshare:\n  entries: [8]\n", 3, "leave out one of the two"},
    {"share:\n  begin_epoch: 5\n", 2, "weights are not shared; say in how many entries"},
    {"share:\n  hold_epoch: 5\n", 2, "share hold_epoch: weights are not shared"},
    {"share:\n\n  rate: 0\n", 3, "share rate: weights are not shared"},
};

static void errors_name_the_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        lop_recipe recipe, before;
        lop_error error = {0};
        assert_int_equal(lop_recipe_default(&recipe, NULL), LOP_OK);
        memcpy(&before, &recipe, sizeof before);
        lop_status status = load(&recipe, wrong[i].text, &error);
        if (status != LOP_E_FORMAT || !strstr(error.text, wrong[i].words) ||
            (wrong[i].line && error.line != wrong[i].line))
            fail_msg("%s\ngave %s, line %d: %s", wrong[i].text, lop_status_name(status),
                     (int)error.line, error.text);
        assert_string_equal(error.file, path);
        assert_memory_equal(&before, &recipe, sizeof before);
        lop_recipe_free(&recipe);
    }
}

static void a_file_must_be_there_and_small(void **state)
{
    (void)state;
    lop_recipe recipe;
    assert_int_equal(lop_recipe_default(&recipe, NULL), LOP_OK);
    assert_int_equal(lop_recipe_load(&recipe, "/nowhere/recipe.yaml", NULL), LOP_E_NOT_FOUND);
    assert_int_equal(lop_recipe_load(&recipe, "/tmp", NULL), LOP_E_IO);
    size_t size = (1 << 20) + 1;
    char *large = malloc(size);
    assert_non_null(large);
    memset(large, '#', size);
    assert_int_equal(lopi_file_write(path, large, size, true, NULL), LOP_OK);
    assert_int_equal(lop_recipe_load(&recipe, path, NULL), LOP_E_LIMIT);
    free(large);
    lop_recipe_free(&recipe);
}

static char *json_of(const lop_recipe *recipe)
{
    char *text = NULL;
    assert_int_equal(lop_recipe_json(recipe, &text, NULL), LOP_OK);
    return text;
}

/* What is written is read back to the same, whatever the numbers. */
static void json_is_a_recipe_too(void **state)
{
    (void)state;
    lop_recipe first, second;
    lop_error error = {0};
    assert_int_equal(lop_recipe_default(&first, NULL), LOP_OK);
    assert_int_equal(lop_recipe_default(&second, NULL), LOP_OK);
    first.train.learning_rate = 1.0 / 3;
    first.train.weight_decay = 1e-30;
    first.sparsities[3] = 0.57; /* 100 · 0.57 is 56.99999999999999 */
    first.seed = 9007199254740991u;
    first.bias = true;
    char *text = json_of(&first);
    assert_non_null(strstr(text, "57, "));
    assert_null(strchr(text, '\n'));
    assert_int_equal(load(&second, text, &error), LOP_OK);
    char *again = json_of(&second);
    assert_string_equal(text, again);
    assert_true(second.train.learning_rate == 1.0 / 3);
    assert_true(second.sparsities[3] == 0.57);
    free(text);
    free(again);
    lop_recipe_free(&first);
    lop_recipe_free(&second);
}

static void a_stage_begins_with_what_prune_says(void **state)
{
    (void)state;
    lop_recipe recipe, again;
    lop_error error = {0};
    assert_int_equal(lop_recipe_default(&recipe, NULL), LOP_OK);
    assert_int_equal(lop_recipe_default(&again, NULL), LOP_OK);
    assert_int_equal(load(&recipe,
                          "stages:\n"
                          "  - method: unit\n"
                          "    sparsity_percent: 80\n"
                          "  - method: weight\n"
                          "    sparsity_percent: 57\n"
                          "    criterion: random\n"
                          "    schedule: gradual\n"
                          "    begin_epoch: 0.5\n"
                          "    scope: layer\n"
                          "    include_output: true\n"
                          "prune:\n"
                          "  scope: global\n"
                          "  calibration: 77\n"
                          "recovery:\n"
                          "  epochs: 5\n"
                          "  learning_rate: 2e-4\n"
                          "  seed: 9\n",
                          &error),
                     LOP_OK);
    assert_int_equal(recipe.stage_count, 2);
    assert_int_equal(recipe.stages[0].method, LOP_GRANULARITY_UNIT);
    assert_true(recipe.stages[0].sparsity == 0.8);
    assert_int_equal(recipe.stages[0].scope, LOP_SCOPE_GLOBAL);
    assert_int_equal(recipe.stages[0].calibration, 77);
    assert_string_equal(recipe.stages[0].criterion, "");
    assert_int_equal(recipe.stages[1].scope, LOP_SCOPE_LAYER);
    assert_true(recipe.stages[1].include_output);
    assert_false(recipe.stages[0].include_output);
    assert_string_equal(recipe.stages[1].criterion, "random");
    assert_string_equal(lop_recipe_schedule_name(recipe.stages[1].schedule), "gradual");
    assert_true(recipe.stages[1].begin_epoch == 0.5);
    assert_true(recipe.stages[1].end_epoch != recipe.stages[1].end_epoch); /* not said: NaN */
    assert_int_equal(recipe.recovery.epochs, 5);
    assert_true(recipe.recovery.learning_rate == 2e-4);
    assert_int_equal(recipe.recovery.seed, 9);

    char *text = json_of(&recipe);
    assert_int_equal(lop_recipe_parse(&again, text, "a text", &error), LOP_OK);
    char *second = json_of(&again);
    assert_string_equal(text, second);
    assert_true(again.stages[1].sparsity == 0.57);
    free(text);
    free(second);

    assert_int_equal(lop_recipe_parse(&again, "layers: x", "a text", &error), LOP_E_FORMAT);
    assert_string_equal(error.file, "a text");
    lop_recipe_free(&recipe);
    lop_recipe_free(&again);
}

static void a_network_is_a_list_of_nodes(void **state)
{
    (void)state;
    lop_recipe recipe, again;
    lop_error error = {0};
    assert_int_equal(lop_recipe_default(&recipe, NULL), LOP_OK);
    assert_int_equal(lop_recipe_default(&again, NULL), LOP_OK);
    assert_int_equal(load(&recipe,
                          "network:\n"
                          "  - {op: input, name: in, width: 4}\n"
                          "  - {op: linear, name: one, input: in, width: 3, bias: true}\n"
                          "  - {op: relu, name: act, input: one}\n"
                          "  - {op: linear, name: two, input: act, width: 2}\n",
                          &error),
                     LOP_OK);
    lop_network *network = NULL;
    assert_int_equal(lop_network_new_spec(&network, recipe.network, strlen(recipe.network), &error),
                     LOP_OK);
    assert_int_equal(lop_network_layer_count(network), 2);
    assert_non_null(lop_network_layer(network, 0)->bias);
    lop_network_free(network);

    char *text = json_of(&recipe);
    assert_null(strstr(text, "layers"));
    assert_int_equal(load(&again, text, &error), LOP_OK);
    assert_string_equal(recipe.network, again.network);
    free(text);

    /* Layers said later take its place. */
    assert_int_equal(load(&recipe, "layers: [5]\n", &error), LOP_OK);
    assert_null(recipe.network);
    lop_recipe_free(&recipe);
    lop_recipe_free(&again);
}

static void checks_name_the_member(void **state)
{
    (void)state;
    lop_recipe recipe;
    lop_error error = {0};
    assert_int_equal(lop_recipe_default(&recipe, NULL), LOP_OK);
    recipe.sparsities[9] = 1;
    assert_int_equal(lop_recipe_check(&recipe, &error), LOP_E_RANGE);
    assert_non_null(strstr(error.text, "below 100 %, found 100 %"));
    recipe.sparsities[9] = 0.99;
    recipe.seed_count = 0;
    assert_int_equal(lop_recipe_check(&recipe, &error), LOP_E_RANGE);
    assert_non_null(strstr(error.text, "seeds"));
    recipe.seed_count = 1;
    recipe.hidden[0] = 0;
    assert_int_equal(lop_recipe_check(&recipe, &error), LOP_E_RANGE);
    recipe.hidden[0] = 10;
    recipe.train.epochs = 0;
    assert_int_equal(lop_recipe_check(&recipe, &error), LOP_E_RANGE);
    lop_recipe_free(&recipe);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_default_is_the_challenge),
        cmocka_unit_test(what_a_file_does_not_say_stays),
        cmocka_unit_test(errors_name_the_line),
        cmocka_unit_test(a_file_must_be_there_and_small),
        cmocka_unit_test(json_is_a_recipe_too),
        cmocka_unit_test(a_stage_begins_with_what_prune_says),
        cmocka_unit_test(a_network_is_a_list_of_nodes),
        cmocka_unit_test(checks_name_the_member),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
