#define _GNU_SOURCE /* for O_TMPFILE */
#include "test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/system.h"

static char directory[] = "/tmp/lop-test-XXXXXX";

static char *at(const char *name) { return lopi_path_join(directory, name); }

static int make_directory(void **state)
{
    (void)state;
    return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", directory);
    return system(command);
}

static void assert_content(const char *path, const char *expected)
{
    lopi_bytes bytes = {0};
    assert_int_equal(lopi_file_read(&bytes, path, 1 << 20, NULL), LOP_OK);
    assert_int_equal(bytes.size, strlen(expected));
    assert_string_equal((char *)bytes.data, expected);
    lopi_free(bytes.data);
}

static void written_files_are_read_back(void **state)
{
    (void)state;
    char *path = at("plain");
    lop_error error = {0};
    assert_int_equal(lopi_file_write(path, "one", 3, false, &error), LOP_OK);
    assert_content(path, "one");
    assert_int_equal(lopi_file_write(path, "two", 3, false, &error), LOP_E_EXISTS);
    assert_content(path, "one");
    assert_int_equal(lopi_file_write(path, "three", 5, true, &error), LOP_OK);
    assert_content(path, "three");
    lopi_free(path);
}

static bool has_entries_like(const char *name)
{
    bool found = false;
    DIR *open = opendir(directory);
    assert_non_null(open);
    for (struct dirent *entry; (entry = readdir(open));)
        found = found || strncmp(entry->d_name, name, strlen(name)) == 0;
    closedir(open);
    return found;
}

/* Where the system can, what is being written has no name, so that a kill leaves nothing. */
static void a_killed_output_leaves_nothing(void **state)
{
    (void)state;
    int probe = open(directory, O_WRONLY | O_TMPFILE, 0600);
    if (probe < 0)
        skip();
    close(probe);
    pid_t child = fork();
    if (child == 0) {
        lopi_output output = {0};
        if (lopi_output_open(&output, at("killed"), false, NULL) == LOP_OK)
            fputs("half", output.stream);
        fflush(output.stream);
        raise(SIGKILL);
    }
    int result;
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_true(WIFSIGNALED(result));
    assert_false(has_entries_like("killed"));
}

static void an_abandoned_output_leaves_nothing(void **state)
{
    (void)state;
    char *path = at("abandoned");
    lopi_output output = {0};
    assert_int_equal(lopi_output_open(&output, path, false, NULL), LOP_OK);
    assert_true(fputs("half", output.stream) >= 0);
    assert_false(lopi_file_exists(path));
    lopi_output_abandon(&output);
    assert_false(lopi_file_exists(path));
    assert_false(has_entries_like("abandoned"));
    lopi_free(path);
}

static void *no_block(size_t count, size_t size)
{
    (void)count, (void)size;
    return NULL;
}

static void *no_larger_block(void *block, size_t size)
{
    (void)block, (void)size;
    return NULL;
}

/* What is in place was not a failure: from the rename on nothing is asked that may be refused. */
static void a_finished_output_wants_no_memory(void **state)
{
    (void)state;
    char *path = at("finished");
    lopi_output output = {0};
    assert_int_equal(lopi_file_write(path, "old", 3, false, NULL), LOP_OK);
    assert_int_equal(lopi_output_open(&output, path, true, NULL), LOP_OK);
    assert_true(fputs("new", output.stream) >= 0);
    const lopi_memory_calls kept = lopi_memory_system;
    lopi_memory_system = (lopi_memory_calls){no_block, no_larger_block, no_block, kept.release};
    lop_status status = lopi_output_commit(&output, NULL);
    lopi_memory_system = kept;
    assert_int_equal(status, LOP_OK);
    assert_content(path, "new");
    lopi_free(path);
}

static unsigned mode_of(const char *path)
{
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    return status.st_mode & 0777;
}

static void outputs_have_the_usual_permissions(void **state)
{
    (void)state;
    char *path = at("permissions");
    mode_t before = umask(027);
    assert_int_equal(lopi_file_write(path, "one", 3, false, NULL), LOP_OK);
    assert_int_equal(mode_of(path), 0640);
    assert_int_equal(chmod(path, 0604), 0);
    assert_int_equal(lopi_file_write(path, "two", 3, true, NULL), LOP_OK);
    assert_int_equal(mode_of(path), 0604);
    assert_int_equal(umask(before), 027);
    /* Two at once, to the same name: neither takes the other's temporary file. */
    lopi_output first = {0}, second = {0};
    assert_int_equal(lopi_output_open(&first, path, true, NULL), LOP_OK);
    assert_int_equal(lopi_output_open(&second, path, true, NULL), LOP_OK);
    assert_true(fputs("first", first.stream) >= 0 && fputs("second", second.stream) >= 0);
    assert_int_equal(lopi_output_commit(&second, NULL), LOP_OK);
    assert_content(path, "second");
    assert_int_equal(lopi_output_commit(&first, NULL), LOP_OK);
    assert_content(path, "first");
    lopi_free(path);
}

static void what_is_no_file_is_refused(void **state)
{
    (void)state;
    lopi_bytes bytes = {0};
    lop_error error = {0};
    char *missing = at("missing"), *fifo = at("fifo"), *large = at("large");
    assert_int_equal(lopi_file_read(&bytes, missing, 100, &error), LOP_E_NOT_FOUND);
    assert_int_equal(lopi_file_read(&bytes, directory, 100, &error), LOP_E_IO);
    assert_non_null(strstr(error.text, "directory"));
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_int_equal(lopi_file_read(&bytes, fifo, 100, &error), LOP_E_IO);
    assert_int_equal(lopi_file_write(large, "0123456789", 10, false, NULL), LOP_OK);
    assert_int_equal(lopi_file_read(&bytes, large, 9, &error), LOP_E_LIMIT);
    assert_int_equal(lopi_file_write(directory, "x", 1, true, &error), LOP_E_CREATE);
    assert_null(bytes.data);
    lopi_free(missing);
    lopi_free(fifo);
    lopi_free(large);
}

static void devices_and_links_stay_what_they_are(void **state)
{
    (void)state;
    char *target = at("target"), *link = at("link"), *fifo = at("pipe");
    struct stat status;
    /* Without -f, for nothing is overwritten; and a device is never renamed over. */
    assert_int_equal(lopi_file_write("/dev/null", "x", 1, false, NULL), LOP_OK);
    assert_int_equal(stat("/dev/null", &status), 0);
    assert_true(S_ISCHR(status.st_mode));
    lop_error error = {0};
    assert_int_equal(lopi_file_write("/dev/full", "x", 1, true, &error), LOP_E_FULL);
    assert_non_null(strstr(error.text, "free some space"));
    /* A pipe, read by another process. */
    assert_int_equal(mkfifo(fifo, 0600), 0);
    pid_t child = fork();
    if (child == 0) {
        char bytes[8] = "";
        FILE *file = fopen(fifo, "r");
        _exit(file && fread(bytes, 1, 8, file) == 5 && memcmp(bytes, "piped", 5) == 0 ? 0 : 1);
    }
    assert_int_equal(lopi_file_write(fifo, "piped", 5, false, NULL), LOP_OK);
    int result;
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_int_equal(result, 0);
    /* A link stays a link: what it names is replaced. */
    assert_int_equal(lopi_file_write(target, "old", 3, false, NULL), LOP_OK);
    assert_int_equal(symlink(target, link), 0);
    assert_int_equal(lopi_file_write(link, "x", 1, false, NULL), LOP_E_EXISTS);
    assert_int_equal(lopi_file_write(link, "new", 3, true, NULL), LOP_OK);
    assert_int_equal(lstat(link, &status), 0);
    assert_true(S_ISLNK(status.st_mode));
    assert_content(target, "new");
    lopi_free(target);
    lopi_free(link);
    lopi_free(fifo);
}

static void appending_mends_a_torn_line(void **state)
{
    (void)state;
    char *path = at("lines");
    assert_int_equal(lopi_file_append_line(path, "first", NULL, NULL), LOP_OK);
    assert_int_equal(lopi_file_append_line(path, "second", NULL, NULL), LOP_OK);
    assert_content(path, "first\nsecond\n");
    FILE *file = fopen(path, "a");
    assert_true(fputs("torn", file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(lopi_file_append_line(path, "third", NULL, NULL), LOP_OK);
    assert_content(path, "first\nsecond\nthird\n");
    lopi_free(path);
}

/* A block of a line that was not synced may be missing, and is read as zeros; also where the line
 * is longer than what is read at once, and where it is the only one. */
static void appending_cuts_off_missing_blocks(void **state)
{
    (void)state;
    char *path = at("blocks");
    static const char *const before[] = {"", "first\n"};
    for (size_t i = 0; i < 2; i++)
        for (size_t missing = 1; missing < 10000; missing += 3333) {
            char line[10000];
            memset(line, 'x', sizeof line);
            line[missing] = 0;
            line[sizeof line - 1] = '\n';
            FILE *file = fopen(path, "w");
            assert_true(fputs(before[i], file) >= 0);
            assert_int_equal(fwrite(line, 1, sizeof line, file), sizeof line);
            assert_int_equal(fclose(file), 0);
            assert_int_equal(lopi_file_append_line(path, "next", NULL, NULL), LOP_OK);
            assert_content(path, i ? "first\nnext\n" : "next\n");
        }
    /* In an earlier line it is no crash that did it. */
    assert_int_equal(lopi_file_write(path, "a\0b\nsecond\n", 11, true, NULL), LOP_OK);
    assert_int_equal(lopi_file_append_line(path, "third", NULL, NULL), LOP_OK);
    uint64_t size;
    assert_true(lopi_file_size(path, &size));
    assert_int_equal(size, 17);
    lopi_free(path);
}

/* Temporary names of killed processes, and nothing that only looks like one. */
static void a_directory_is_cleaned(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool stays;
    } files[] = {
        {"clean/net.lop~123-0", false},
        {"clean/a.checkpoint.1.lop~4567890-999", false},
        {"clean/net.lop", true},
        {"clean/net.2024-11", true},
        {"clean/net.lop~123", true},
        {"clean/net.lop~123-", true},
        {"clean/net.lop~-1", true},
        {"clean/.lop~123-0", true},
        {"clean/net.lop~123-0.safetensors", true},
        {"clean/net.lop~12a-0", true},
    };
    char *place = at("clean"), *inner = at("clean/folder.lop~1-1");
    assert_int_equal(lopi_directory_make(inner, NULL), LOP_OK);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char *path = at(files[i].name);
        assert_int_equal(lopi_file_write(path, "", 0, false, NULL), LOP_OK);
        lopi_free(path);
    }
    lopi_directory_clean(place);
    lopi_directory_clean("/nowhere");
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char *path = at(files[i].name);
        assert_int_equal(lopi_file_exists(path), files[i].stays);
        lopi_free(path);
    }
    assert_true(lopi_file_is_directory(inner));
    lopi_free(place);
    lopi_free(inner);
}

static void directories_are_made_with_parents(void **state)
{
    (void)state;
    char *path = at("a/b/c"), *file = at("file"), *below = at("file/x");
    assert_int_equal(lopi_directory_make(path, NULL), LOP_OK);
    assert_int_equal(lopi_directory_make(path, NULL), LOP_OK);
    assert_true(lopi_file_is_directory(path));
    assert_int_equal(lopi_file_write(file, "", 0, false, NULL), LOP_OK);
    assert_int_equal(lopi_directory_make(below, NULL), LOP_E_CREATE);
    lopi_free(path);
    lopi_free(file);
    lopi_free(below);
}

/* Of a pipe nobody knows the size: memory grows with what comes, and no further than is allowed. */
static void standard_input_is_read_as_it_comes(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 4095, 4096, 4097, 20000};
    char *path = at("typed");
    int kept = dup(STDIN_FILENO);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        uint8_t *bytes = lopi_alloc(sizes[i] + 1, 1);
        for (size_t j = 0; j < sizes[i]; j++)
            bytes[j] = (uint8_t)(j * 7 + j / 251);
        bytes[sizes[i]] = 0;
        assert_int_equal(lopi_file_write(path, bytes, sizes[i], true, NULL), LOP_OK);
        lopi_bytes found = {0};
        lop_error error = {0};
        int file = open(path, O_RDONLY);
        assert_int_equal(dup2(file, STDIN_FILENO), STDIN_FILENO);
        close(file);
        assert_int_equal(lopi_file_read(&found, "-", sizes[i], &error), LOP_OK);
        assert_int_equal(found.size, sizes[i]);
        assert_memory_equal(found.data, bytes, sizes[i] + 1); /* a zero byte stands behind */
        lopi_free(found.data);
        if (sizes[i] > 0) {
            assert_int_equal(lseek(STDIN_FILENO, 0, SEEK_SET), 0);
            assert_int_equal(lopi_file_read(&found, "-", sizes[i] - 1, &error), LOP_E_LIMIT);
            assert_string_equal(error.file, "standard input");
        }
        lopi_free(bytes);
    }
    assert_true(dup2(kept, STDIN_FILENO) == STDIN_FILENO);
    close(kept);
    lopi_free(path);
}

static void a_lock_is_for_one(void **state)
{
    (void)state;
    char *path = at("lock");
    lopi_lock lock;
    assert_int_equal(lopi_lock_take(&lock, path, NULL), LOP_OK);
    pid_t child = fork();
    if (child == 0) {
        lopi_lock other;
        lop_error error = {0};
        lop_status status = lopi_lock_take(&other, path, &error);
        char holder[32];
        snprintf(holder, sizeof holder, "process %ld ", (long)getppid());
        _exit(status == LOP_E_BUSY && strstr(error.text, holder) ? 0 : 1);
    }
    int result;
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_int_equal(result, 0);
    lopi_lock_release(&lock);
    assert_false(lopi_file_exists(path));
    assert_int_equal(lopi_lock_take(&lock, path, NULL), LOP_OK);
    lopi_lock_release(&lock);
    lopi_free(path);
}

static void a_full_disk_is_said(void **state)
{
    (void)state;
    lop_error error = {0};
    assert_int_equal(lopi_fail_errno(&error, LOP_E_IO, "x", "write", ENOSPC), LOP_E_FULL);
    assert_non_null(strstr(error.text, "free some space"));
    assert_int_equal(lopi_fail_errno(&error, LOP_E_IO, "x", "write", EIO), LOP_E_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(written_files_are_read_back),
        cmocka_unit_test(an_abandoned_output_leaves_nothing),
        cmocka_unit_test(a_finished_output_wants_no_memory),
        cmocka_unit_test(a_killed_output_leaves_nothing),
        cmocka_unit_test(outputs_have_the_usual_permissions),
        cmocka_unit_test(what_is_no_file_is_refused),
        cmocka_unit_test(devices_and_links_stay_what_they_are),
        cmocka_unit_test(appending_mends_a_torn_line),
        cmocka_unit_test(appending_cuts_off_missing_blocks),
        cmocka_unit_test(a_directory_is_cleaned),
        cmocka_unit_test(directories_are_made_with_parents),
        cmocka_unit_test(standard_input_is_read_as_it_comes),
        cmocka_unit_test(a_lock_is_for_one),
        cmocka_unit_test(a_full_disk_is_said),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
