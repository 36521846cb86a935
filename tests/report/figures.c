#include "test.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <lop/report.h>

#include "base/file.h"
#include "report/fake.h"

static char dir[64];

static int make_directory(void **state)
{
    snprintf(dir, sizeof dir, "/tmp/lop-figures-XXXXXX");
    *state = dir;
    return mkdtemp(dir) == NULL;
}

static int remove_directory(void **state)
{
    DIR *stream = opendir(*state);
    for (struct dirent *entry; stream && (entry = readdir(stream));) {
        char *path = lopi_path_join(*state, entry->d_name);
        if (entry->d_name[0] != '.')
            unlink(path);
        free(path);
    }
    if (stream)
        closedir(stream);
    return rmdir(*state);
}

static lopi_bytes read_drawn(const char *name)
{
    lopi_bytes bytes = {0};
    char *path = lopi_path_join(dir, name);
    assert_int_equal(lopi_file_read(&bytes, path, 1 << 24, NULL), LOP_OK);
    free(path);
    return bytes;
}

static void without_gnuplot_scripts_are_there(void **state)
{
    (void)state;
    lop_results results;
    lop_error error = {0};
    char *kept = strdup(getenv("PATH"));
    fake_results(&results, 1, 2);
    setenv("PATH", "/nowhere", 1);
    assert_int_equal(lop_report_figures(&results, NULL, dir, &error), LOP_E_UNSUPPORTED);
    setenv("PATH", kept, 1);
    free(kept);
    assert_non_null(strstr(error.text, ".gp"));
    lopi_bytes script = read_drawn("mnist-accuracy-k.gp"), data = read_drawn("mnist.tsv");
    assert_non_null(strstr((const char *)script.data, "'mnist.tsv' index 1"));
    assert_non_null(strstr((const char *)data.data, "\n0.9\t94600\t"));
    free(script.data);
    free(data.data);
    script = read_drawn("mnist-loss-epochs-oneshot.gp");
    data = read_drawn("mnist-epochs.tsv");
    /* Both methods, ten sparsities each: the last one's index is 19. */
    assert_non_null(strstr((const char *)script.data, "'mnist-epochs.tsv' index 19"));
    assert_null(strstr((const char *)script.data, "index 20"));
    assert_non_null(strstr((const char *)script.data, "'pruned by unit'"));
    static const char head[] = "# epoch\tsparsity\tdeviation\ttrain_loss\tdeviation\t";
    assert_memory_equal(data.data, head, sizeof head - 1);
    free(script.data);
    free(data.data);
    lop_results_free(&results);
}

/* Schedules have figures of their own; nothing is pruned in the second block. */
static void each_schedule_has_its_figures(void **state)
{
    (void)state;
    lop_results results;
    lop_error error = {0};
    fake_results(&results, 2, 1);
    for (size_t i = 0; i < results.count; i++) {
        lop_result *result = results.items + i;
        fake_text(&result->schedule, i % 4 < 2 ? "gra dual" : "gra/dual");
        if (i >= results.count / 2 && result->target_sparsity > 0)
            result->epoch_count = 0;
    }
    char *kept = strdup(getenv("PATH"));
    setenv("PATH", "/nowhere", 1);
    assert_int_equal(lop_report_figures(&results, NULL, dir, &error), LOP_E_UNSUPPORTED);
    setenv("PATH", kept, 1);
    free(kept);
    lopi_bytes script = read_drawn("mnist-accuracy-epochs-gra_dual.gp");
    assert_null(strstr((const char *)script.data, "gra/dual"));
    free(script.data);
    script = read_drawn("mnist-accuracy-epochs-gra_dual-2.gp");
    assert_non_null(strstr((const char *)script.data, "'pruned by unit gra/dual'"));
    free(script.data);
    free(read_drawn("fashion-mnist-epochs.tsv").data);
    char *path = lopi_path_join(dir, "fashion-mnist-accuracy-epochs-gra_dual.gp");
    assert_false(lopi_file_exists(path));
    free(path);
    lop_results_free(&results);
}

/* Names that gnuplot must take as text: quotes, commands, and no file elsewhere. */
static void gnuplot_draws_png_svg_and_pdf(void **state)
{
    (void)state;
    lop_results results;
    lop_error error = {0};
    fake_results(&results, 1, 3);
    for (size_t i = 0; i < results.count; i++) {
        results.items[i].bytes_packed = 1000 + results.items[i].weights_left / 3;
        results.items[i].latency_us_batch1 = 1 + (double)results.items[i].weights_left / 5000;
        fake_text(&results.items[i].dataset, "../it's `touch pwned`\n\"; exit");
        if (i % 2)
            fake_text(&results.items[i].method, "u'nit\nexit 3");
    }
    lop_status status = lop_report_figures(&results, NULL, dir, &error);
    lop_results_free(&results);
    if (status == LOP_E_UNSUPPORTED) {
        print_message("skipped: no gnuplot\n");
        skip();
    }
    if (status != LOP_OK)
        fail_msg("%s", error.text);
    static const char *const figures[] = {
        "accuracy-k",     "loss-k",           "accuracy-weights",        "loss-weights",
        "accuracy-bytes", "accuracy-latency", "accuracy-epochs-oneshot", "loss-epochs-oneshot"};
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        char name[96];
        snprintf(name, sizeof name, "___it_s__touch_pwned_____exit-%s.png", figures[i]);
        lopi_bytes bytes = read_drawn(name);
        assert_true(bytes.size > 10000); /* an empty frame has less */
        assert_memory_equal(bytes.data, "\x89PNG\r\n\x1a\n", 8);
        free(bytes.data);
        memcpy(name + strlen(name) - 3, "svg", 3);
        bytes = read_drawn(name);
        assert_non_null(strstr((const char *)bytes.data, "</svg>"));
        assert_non_null(strstr((const char *)bytes.data, "nit exit 3"));
        free(bytes.data);
        memcpy(name + strlen(name) - 3, "pdf", 3);
        bytes = read_drawn(name);
        assert_true(bytes.size > 5000);
        assert_memory_equal(bytes.data, "%PDF-", 5);
        free(bytes.data);
    }
    char *path = lopi_path_join(dir, "pwned");
    assert_false(lopi_file_exists(path) || lopi_file_exists("pwned"));
    free(path);
}

static void a_bad_directory_is_said(void **state)
{
    (void)state;
    lop_results results = {0};
    assert_int_equal(lop_report_figures(&results, NULL, "/dev/null/x", NULL), LOP_E_CREATE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(without_gnuplot_scripts_are_there, make_directory,
                                        remove_directory),
        cmocka_unit_test_setup_teardown(each_schedule_has_its_figures, make_directory,
                                        remove_directory),
        cmocka_unit_test_setup_teardown(gnuplot_draws_png_svg_and_pdf, make_directory,
                                        remove_directory),
        cmocka_unit_test(a_bad_directory_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
