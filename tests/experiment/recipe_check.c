/* Recipes that a program filled in itself: each limit is held, and what is wrong is named. */
#include "test.h"

#include <math.h>
#include <string.h>

#include <lop/experiment.h>

#include "base/memory.h"
#include "train/fixture.h"

static void too_many_hidden(lop_recipe *r) { r->hidden_count = LOP_MAX_HIDDEN + 1; }
static void empty_hidden(lop_recipe *r) { r->hidden[0] = 0; }
static void wide_hidden(lop_recipe *r) { r->hidden[1] = LOP_MAX_WIDTH + 1; }
static void no_methods(lop_recipe *r) { r->method_count = 0; }
static void too_many_methods(lop_recipe *r) { r->method_count = LOP_MAX_METHODS + 1; }
static void method_twice(lop_recipe *r) { r->methods[1] = r->methods[0]; }
static void no_sparsities(lop_recipe *r) { r->sparsity_count = 0; }
static void too_many_sparsities(lop_recipe *r) { r->sparsity_count = LOP_MAX_SPARSITIES + 1; }
static void negative_sparsity(lop_recipe *r) { r->sparsities[0] = -0.1; }
static void whole_sparsity(lop_recipe *r) { r->sparsities[r->sparsity_count - 1] = 1; }
static void no_sparsity(lop_recipe *r) { r->sparsities[0] = NAN; }
static void falling_sparsity(lop_recipe *r) { r->sparsities[1] = 0; }
static void no_data(lop_recipe *r)
{
    lopi_free(r->data);
    r->data = NULL;
}
static void empty_data(lop_recipe *r) { r->data[0] = 0; }
static void no_seeds(lop_recipe *r) { r->seed_count = 0; }
static void too_many_seeds(lop_recipe *r) { r->seed_count = LOP_MAX_SEEDS + 1; }
static void too_many_criteria(lop_recipe *r) { r->criterion_count = LOP_MAX_CRITERIA + 1; }
static void no_schedules(lop_recipe *r) { r->schedule_count = 0; }
static void too_many_schedules(lop_recipe *r) { r->schedule_count = LOP_MAX_SCHEDULES + 1; }
static void schedule_twice(lop_recipe *r)
{
    r->schedules[1] = r->schedules[0];
    r->schedule_count = 2;
}
static void too_many_stages(lop_recipe *r) { r->stage_count = LOP_MAX_STAGES + 1; }
static void heavy_teacher(lop_recipe *r) { r->recovery.distill_weight = 2; }
static void negative_teacher(lop_recipe *r) { r->recovery.distill_weight = -1; }

static const struct {
    void (*change)(lop_recipe *recipe);
    lop_status status;
    const char *says;
} rows[] = {
    {too_many_hidden, LOP_E_RANGE, "layers"},
    {empty_hidden, LOP_E_RANGE, "layers"},
    {wide_hidden, LOP_E_RANGE, "layers"},
    {no_methods, LOP_E_RANGE, "methods"},
    {too_many_methods, LOP_E_RANGE, "methods"},
    {method_twice, LOP_E_ARG, "methods"},
    {no_sparsities, LOP_E_RANGE, "sparsities"},
    {too_many_sparsities, LOP_E_RANGE, "sparsities"},
    {negative_sparsity, LOP_E_RANGE, "sparsities"},
    {whole_sparsity, LOP_E_RANGE, "sparsities"},
    {no_sparsity, LOP_E_RANGE, "sparsities"},
    {falling_sparsity, LOP_E_ARG, "sparsities"},
    {no_data, LOP_E_ARG, "data"},
    {empty_data, LOP_E_ARG, "data"},
    {no_seeds, LOP_E_RANGE, "seeds"},
    {too_many_seeds, LOP_E_RANGE, "seeds"},
    {too_many_criteria, LOP_E_RANGE, "criteria"},
    {no_schedules, LOP_E_RANGE, "schedules"},
    {too_many_schedules, LOP_E_RANGE, "schedules"},
    {schedule_twice, LOP_E_ARG, "schedules"},
    {too_many_stages, LOP_E_RANGE, "stages"},
    {heavy_teacher, LOP_E_RANGE, "distill_weight"},
    {negative_teacher, LOP_E_RANGE, "distill_weight"},
};

static void test_each_limit(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        lop_recipe recipe;
        lop_error error = {0};
        assert_int_equal(lop_recipe_default(&recipe, NULL), LOP_OK);
        rows[i].change(&recipe);
        lop_status status = lop_recipe_check(&recipe, &error);
        if (status != rows[i].status || !strstr(error.text, rows[i].says))
            fail_msg("row %zu, %s: expected %s, found %s: %s", i, rows[i].says,
                     lop_status_name(rows[i].status), lop_status_name(status), error.text);
        lop_recipe_free(&recipe);
    }
    lop_recipe_free(NULL);
}

/* A network that a recipe describes node by node has to fit the data. */
static void test_network_of_a_recipe(void **state)
{
    (void)state;
    static const struct {
        const char *spec;
        lop_status status;
    } specs[] = {
        {"{\"nodes\":[{\"op\":\"input\",\"name\":\"x\",\"width\":12},"
         "{\"op\":\"linear\",\"name\":\"y\",\"input\":\"x\",\"width\":3,\"bias\":true}]}",
         LOP_OK},
        {"{\"nodes\":[{\"op\":\"input\",\"name\":\"x\",\"width\":11},"
         "{\"op\":\"linear\",\"name\":\"y\",\"input\":\"x\",\"width\":3}]}",
         LOP_E_SHAPE},
        {"{\"nodes\":[{\"op\":\"input\",\"name\":\"x\",\"width\":12},"
         "{\"op\":\"linear\",\"name\":\"y\",\"input\":\"x\",\"width\":4}]}",
         LOP_E_SHAPE},
        {"{\"nodes\":[]}", LOP_E_LIMIT},
        {"[", LOP_E_FORMAT},
    };
    struct fixture task;
    fixture_open(&task);
    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
        lop_recipe recipe;
        lop_network *network = NULL;
        lop_error error = {0};
        assert_int_equal(lop_recipe_default(&recipe, NULL), LOP_OK);
        recipe.network = lopi_strdup(specs[i].spec);
        lop_status status = lop_recipe_network(&recipe, task.dataset, 1, &network, &error);
        if (status != specs[i].status)
            fail_msg("%s: %s: %s", specs[i].spec, lop_status_name(status), error.text);
        lop_network_free(network);
        lop_recipe_free(&recipe);
    }
    fixture_close(&task);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_limit),
        cmocka_unit_test(test_network_of_a_recipe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
