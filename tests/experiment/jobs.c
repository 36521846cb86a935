/* How many points at a time; and the gate that lets one of them measure alone. */
#include "test.h"

#include <stdatomic.h>
#include <time.h>

#include <lop/experiment.h>

#include "experiment/gate.h"

static void what_is_faster_is_chosen(void **state)
{
    (void)state;
    lop_recipe recipe;
    assert_int_equal(lop_recipe_default(&recipe, NULL), LOP_OK);
    recipe.train.epochs = 20; /* ten sparsities, two methods */
    assert_int_equal(lop_sweep_jobs(&recipe, 1), 1);
    /* One dense training, and points that cost next to nothing: 20 epochs against 20 / 1.5. */
    assert_int_equal(lop_sweep_jobs(&recipe, 2), 1);
    recipe.seed_count = 2; /* 20 + 4 against 48 / 1.5 */
    assert_int_equal(lop_sweep_jobs(&recipe, 2), 2);
    assert_int_equal(lop_sweep_jobs(&recipe, 8), 1); /* six would idle: 20 + 1 against 48 / 6 */
    recipe.recovery.epochs = 10;                     /* 20 + 51 against 448 / 6 */
    assert_int_equal(lop_sweep_jobs(&recipe, 8), 8);
    recipe.seed_count = 1; /* 20 + 102 against 224 / 1.5 */
    assert_int_equal(lop_sweep_jobs(&recipe, 2), 2);
    recipe.sparsity_count = 1; /* the dense network alone, twice: 20 + 10.2 against 40.4 / 1.5 */
    assert_int_equal(lop_sweep_jobs(&recipe, 2), 1);
    recipe.recovery.epochs = 0;
    recipe.prune_while_training = true; /* points that train themselves: 4 × 20 on four */
    for (size_t i = 0; i < 4; i++)
        recipe.sparsities[i] = 0.5 + 0.1 * (double)i;
    recipe.sparsity_count = 2;
    assert_int_equal(lop_sweep_jobs(&recipe, 4), 4); /* 20.2 against 80.8 / 3 */
    recipe.method_count = 1; /* two trainings on four cores: 20.2 against 40.4 / 3 */
    assert_int_equal(lop_sweep_jobs(&recipe, 4), 1);
    lop_recipe_free(&recipe);
}

enum { WORKERS = 4, ROUNDS = 25 };

typedef struct shop {
    lopi_gate gate;
    atomic_int steps, alone, disturbed;
} shop;

static void nap(void) { nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL); }

/* Steps, and now and then alone: then nobody else may take one. */
static void *work(void *context)
{
    shop *s = context;
    lopi_gate_enter(&s->gate);
    for (int i = 0; i < ROUNDS; i++) {
        for (int step = 0; step < 20; step++) {
            lopi_gate_pass(&s->gate);
            atomic_fetch_add(&s->steps, 1);
        }
        lopi_gate_alone(&s->gate);
        int before = atomic_load(&s->steps);
        nap();
        atomic_fetch_add(&s->disturbed, before != atomic_load(&s->steps));
        atomic_fetch_add(&s->alone, 1);
        lopi_gate_open(&s->gate);
    }
    lopi_gate_leave(&s->gate);
    return NULL;
}

static void who_is_alone_is_not_disturbed(void **state)
{
    (void)state;
    shop s = {.gate = LOPI_GATE_INITIALIZER};
    pthread_t threads[WORKERS];
    for (int i = 0; i < WORKERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, &s), 0);
    for (int i = 0; i < WORKERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&s.alone), WORKERS * ROUNDS);
    assert_int_equal(atomic_load(&s.steps), WORKERS * ROUNDS * 20);
    assert_int_equal(atomic_load(&s.disturbed), 0);
    assert_int_equal(s.gate.inside, 0);
    assert_int_equal(s.gate.paused, 0);
    assert_false(s.gate.taken);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_faster_is_chosen),
        cmocka_unit_test(who_is_alone_is_not_disturbed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
