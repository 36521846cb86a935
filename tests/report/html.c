#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lop/pack.h>
#include <lop/report.h>

#include "report/fake.h"

static const char hostile[] =
    "</script><script>alert(1)</script>\"'><img src=x onerror=y>&lt;{{data}}";

static char *page_text(const lop_results *results, const lop_report_options *options)
{
    FILE *stream = tmpfile();
    assert_non_null(stream);
    assert_int_equal(lop_report_html(results, options, stream, NULL), LOP_OK);
    return fake_read_back(stream);
}

static size_t occurrences(const char *text, const char *part)
{
    size_t count = 0;
    for (; (text = strstr(text, part)); text += strlen(part))
        count++;
    return count;
}

static void names_stay_text(void **state)
{
    (void)state;
    lop_results results;
    fake_results(&results, 1, 1);
    char *plain = page_text(&results, NULL);
    for (size_t i = 0; i < results.count; i++) {
        fake_text(&results.items[i].dataset, hostile);
        fake_text(&results.items[i].network, hostile);
        fake_text(&results.items[i].method, hostile);
        fake_text(&results.items[i].version, hostile);
        snprintf(results.items[i].machine.cpu, sizeof results.items[i].machine.cpu, "%s", hostile);
    }
    fake_text(&results.items[0].recipe, "{\"</script><b>\": \"</script><b>\"}");
    char *text = page_text(&results, &(lop_report_options){.title = hostile, .command = hostile});
    /* Exactly the scripts that a harmless page has, and no other element came in. */
    assert_int_equal(occurrences(text, "<script"), occurrences(plain, "<script"));
    assert_int_equal(occurrences(text, "</script"), occurrences(plain, "</script"));
    assert_int_equal(occurrences(text, "<img"), 0);
    assert_int_equal(occurrences(text, "<b>"), occurrences(plain, "<b>"));
    assert_int_equal(occurrences(plain, "<script"), 16);
    assert_true(occurrences(text, "{{data}}") >
                4); /* no part of the template, though it looks so */
    free(plain);
    free(text);
    lop_results_free(&results);
}

static void nothing_is_fetched(void **state)
{
    (void)state;
    lop_results results;
    fake_results(&results, 2, 2);
    char *text = page_text(&results, NULL);
    static const char *const forbidden[] = {"http:", "https:",  " src=",  "<link",
                                            "url(",  "@import", "<iframe"};
    for (size_t i = 0; i < sizeof forbidden / sizeof *forbidden; i++)
        if (strstr(text, forbidden[i]))
            fail_msg("found %s", forbidden[i]);
    assert_non_null(strstr(text, "content=\"default-src 'none'; style-src 'sha256-"));
    assert_null(strstr(text, "'unsafe"));
    assert_non_null(strstr(text, "Copyright (c) 2022 Leon Sorokin")); /* the charts' licence */
    free(text);
    lop_results_free(&results);
}

static void tables_have_the_figures(void **state)
{
    (void)state;
    lop_results results;
    fake_results(&results, 1, 3);
    char *text = page_text(&results, &(lop_report_options){.command = "lop sweep"});
    assert_non_null(strstr(text, "<title>Pruning mnist</title>"));
    assert_non_null(strstr(
        text,
        "<th scope=\"row\" data-value=\"0.9\">90</th><td data-value=\"240400\">240,400</td>"));
    assert_non_null(strstr(text, ">2,386,000</td>"));
    assert_non_null(strstr(text, "1000-1000-500-200"));
    assert_non_null(strstr(text, "<pre>lop sweep</pre>"));
    assert_null(strstr(text, ">packed file<")); /* absent everywhere: no column */
    free(text);
    lop_results_free(&results);
}

static void little_data_is_no_crash(void **state)
{
    (void)state;
    lop_result item = lop_result_empty();
    lop_results none = {0}, one = {.items = &item, .count = 1};
    char *text = page_text(&none, NULL);
    assert_non_null(strstr(text, "<title>No results yet</title>"));
    free(text);
    free(page_text(&one, NULL));
}

/* Each data set once, whichever networks were trained on it, as one says it. */
static void a_title_lists_data_sets(void **state)
{
    (void)state;
    static const struct {
        const char *names[4]; /* of results, a network for each */
        const char *title;
    } cases[] = {
        {{"a", "a", "a", "a"}, "<title>Pruning a</title>"},
        {{"a", "b", "a", "b"}, "<title>Pruning a and b</title>"},
        {{"a", "b", "c", "a"}, "<title>Pruning a, b and c</title>"},
        {{"a", "a", "b", "c"}, "<title>Pruning a, b and c</title>"},
        {{"a", "b", "c", "d"}, "<title>Pruning a, b, c and d</title>"},
    };
    static const char *const networks[] = {"784-10", "784-20-10", "784-30-10", "784-40-10"};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        lop_results results;
        fake_results(&results, 1, 1);
        for (size_t i = 0; i < results.count; i++) {
            fake_text(&results.items[i].dataset, cases[c].names[i % 4]);
            fake_text(&results.items[i].network, networks[i % 4]);
        }
        char *text = page_text(&results, NULL);
        if (!strstr(text, cases[c].title))
            fail_msg("expected %s", cases[c].title);
        free(text);
        lop_results_free(&results);
    }
}

static char directory[] = "/tmp/lop-page-XXXXXX";

/* A packed network of about 150 kB that no other equals. */
static void pack_network(const char *name, uint64_t seed)
{
    char path[64];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    const size_t hidden[] = {180};
    const lop_mlp_spec spec = {
        .inputs = 200, .hidden = hidden, .hidden_count = 1, .outputs = 10, .seed = seed};
    lop_network *network = NULL;
    lop_packed *packed = NULL;
    assert_int_equal(lop_network_new_mlp(&network, &spec, NULL), LOP_OK);
    assert_int_equal(lop_pack(&packed, network, &(lop_pack_options){0}, NULL), LOP_OK);
    assert_int_equal(lop_packed_save(packed, path, false, NULL), LOP_OK);
    lop_packed_free(packed);
    lop_network_free(network);
}

/* Far more bytes of networks than a page may have: it carries what fits, and is full. */
static void a_page_is_no_larger_than_two_megabytes(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(directory));
    lop_results results;
    fake_results(&results, 1, 1);
    for (size_t i = 0; i < results.count; i++) {
        char name[32];
        snprintf(name, sizeof name, "%zu.lop", i);
        pack_network(name, i + 1);
        fake_text(&results.items[i].packed, name);
    }
    char *text = page_text(&results, &(lop_report_options){.directory = directory});
    size_t size = strlen(text);
    if (size > 2000000 || size < 1700000)
        fail_msg("expected a page of 1.7 to 2 MB, found %zu bytes", size);
    free(text);
    /* What else is large leaves them less room. */
    char *command_text = malloc(1400001);
    assert_non_null(command_text);
    memset(command_text, 'x', 1400000);
    command_text[1400000] = 0;
    text =
        page_text(&results, &(lop_report_options){.directory = directory, .command = command_text});
    size = strlen(text);
    if (size > 2000000 || size < 1800000)
        fail_msg("expected a page of 1.8 to 2 MB, found %zu bytes", size);
    free(text);
    free(command_text);
    lop_results_free(&results);
    char command[64];
    snprintf(command, sizeof command, "rm -rf '%s'", directory);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_stay_text),
        cmocka_unit_test(nothing_is_fetched),
        cmocka_unit_test(tables_have_the_figures),
        cmocka_unit_test(little_data_is_no_crash),
        cmocka_unit_test(a_title_lists_data_sets),
        cmocka_unit_test(a_page_is_no_larger_than_two_megabytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
