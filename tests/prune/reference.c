/* The library's pruning against reference.py, which states the text format read here. */
#include "cases.h"

#ifdef LOP_REFERENCE

static void agrees(void **state)
{
    (void)state;
    FILE *stream = popen(LOP_REFERENCE, "r");
    assert_non_null(stream);
    size_t cases = 0;
    char title[256];
    while (fgets(test_line, sizeof test_line, stream) && strncmp(test_line, "case ", 5) == 0) {
        lop_prune_options options;
        lop_error error = {0};
        lop_count count;
        snprintf(title, sizeof title, "case %zu: %.200s", cases, test_line);
        test_read_options(test_line + 5, &options);
        test_read_more(test_expect(stream, "more"), &options);
        lop_network *network = test_read_network(stream);
        lop_network *expected = NULL;
        assert_int_equal(lop_network_copy(&expected, network, NULL), LOP_OK);
        test_read_expected(stream, expected);

        if (lop_prune(network, &options, &error) != LOP_OK)
            fail_msg("%s%s", title, error.text);
        if (!test_same(network, expected))
            fail_msg("%smasks, weights or biases differ from the reference", title);
        assert_int_equal(lop_prune(network, &options, &error), LOP_OK);
        if (!test_same(network, expected))
            fail_msg("%spruning twice changes something", title);

        size_t left, effective;
        assert_int_equal(sscanf(test_expect(stream, "count"), "%zu %zu", &left, &effective), 2);
        assert_int_equal(lop_count_network(network, &count, NULL), LOP_OK);
        if (count.weights_left != left || count.effective_weights_left != effective)
            fail_msg("%scounts %zu and %zu, the reference %zu and %zu", title, count.weights_left,
                     count.effective_weights_left, left, effective);
        lop_network_free(network);
        lop_network_free(expected);
        cases++;
    }
    assert_string_equal(test_line, "end\n");
    assert_int_equal(pclose(stream), 0);
    assert_true(cases >= 1700); /* each row of each table, with and without masks */
}

#else

static void agrees(void **state)
{
    (void)state;
    print_message("skipped: no python3 when this was configured\n");
    skip();
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(agrees)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
