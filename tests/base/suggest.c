#include "test.h"

#include <lop/suggest.h>

static const char *name_at(const void *context, size_t index)
{
    return ((const char *const *)context)[index];
}

static const char *const names[] = {"train",    "prune", "",      "eval",
                                    "sparsity", "seed",  "seeds", NULL};

static void one_slip_is_understood(void **state)
{
    (void)state;
    static const struct {
        const char *typed, *meant;
    } rows[] = {
        {"trian", "train"},        /* swapped */
        {"trin", "train"},         /* left out */
        {"traain", "train"},       /* doubled */
        {"prube", "prune"},        /* replaced */
        {"spars", "sparsity"},     /* cut short */
        {"sparcitty", "sparsity"}, /* two slips in nine letters */
        {"seeds", "seeds"},        /* exact, though another is near */
        {"seed", "seed"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_string_equal(lop_suggest(rows[i].typed, name_at, names), rows[i].meant);
}

static void what_is_far_is_not_guessed(void **state)
{
    (void)state;
    static const char *const far[] = {
        "",
        "x",
        "qqqqq",
        "compress",
        "sparse-matrix",
        "tttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttt"};
    for (size_t i = 0; i < sizeof far / sizeof *far; i++)
        assert_null(lop_suggest(far[i], name_at, names));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_slip_is_understood),
        cmocka_unit_test(what_is_far_is_not_guessed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
