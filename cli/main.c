/*
 * lop: the command line. Start reading at options.h, where a command is described; the table of
 * commands is in commands.c, and each has its cmd_*.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <lop/machine.h>
#include <lop/suggest.h>

#include "json_text.h"
#include "session.h"

/*
 * A standard stream that is closed would lend its number to the next file that is opened, and a
 * message would be written into a network. Opened the wrong way round, reading and writing fail
 * where they should.
 */
static void hold_standard_streams(void)
{
    static const int modes[] = {O_WRONLY, O_RDONLY, O_RDONLY};
    for (int i = 0; i < 3; i++)
        if (fcntl(i, F_GETFD) < 0 && open("/dev/null", modes[i]) != i)
            _exit(70);
}

static const char *command_name_at(const void *context, size_t index)
{
    (void)context;
    const command *of = command_at(index);
    return !of ? NULL : of->hidden ? "" : of->name;
}

static lop_status unknown_command(const char *name, lop_error *error)
{
    const char *near = lop_suggest(name, command_name_at, NULL);
    if (near)
        return usage_error(error, LOP_E_NAME, "unknown command '%s'; did you mean '%s'?", name,
                           near);
    return usage_error(error, LOP_E_NAME, "unknown command '%s'; 'lop --help' lists them", name);
}

/* What a command line says before its words are understood: an error is shown accordingly. */
static bool has_word(char **words, size_t count, const char *word)
{
    for (size_t i = 0; i < count && strcmp(words[i], "--") != 0; i++)
        if (strcmp(words[i], word) == 0)
            return true;
    return false;
}

static lop_status run_command(session *s, char **words, size_t count, void *values,
                              lop_error *error)
{
    const command *of = s->command;
    common *given = values;
    lop_status status = of->prepare ? of->prepare(values, error) : LOP_OK;
    if (status == LOP_OK)
        status = options_parse(of, words, count, values, error);
    if (status != LOP_OK)
        return status;
    s->common = *given;
    if (given->help)
        return help_show(stdout, of, s->out.width, error);
    if (given->version) {
        printf("lop %s\n", lop_version());
        return LOP_OK;
    }
    /* Without a number it is OpenMP's own choice, which the environment may have made. */
    if (given->threads > 0)
        status = lop_threads_set(given->threads, error);
    return status == LOP_OK ? of->run(s, values, error) : status;
}

static lop_status with_values(session *s, char **words, size_t count, lop_error *error)
{
    const command *of = s->command;
    common *values = calloc(1, of->values_size);
    const char **arguments = calloc(count + 1, sizeof *arguments);
    lop_status status;
    if (values && arguments) {
        values->seed = 1;
        values->arguments = arguments;
        status = run_command(s, words, count, values, error);
    } else {
        status = usage_error(error, LOP_E_MEMORY, "out of memory");
    }
    if (values && of->release)
        of->release(values);
    free(arguments);
    free(values);
    return status;
}

/* "lop --help", "lop help train", "lop --version", and nothing at all. */
static lop_status without_command(session *s, lop_error *error)
{
    const char *first = s->word_count ? s->words[0] : "";
    if (strcmp(first, "help") == 0 && s->word_count > 1) {
        s->command = command_find(s->words[1]);
        if (!s->command)
            return unknown_command(s->words[1], error);
        return help_show(stdout, s->command, s->out.width, error);
    } else if (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0 ||
               strcmp(first, "help") == 0) {
        return help_show(stdout, NULL, s->out.width, error);
    } else if (strcmp(first, "--version") == 0) {
        printf("lop %s\n", lop_version());
    } else if (first[0] == 0) {
        (void)help_show(stderr, NULL, s->err.width, error);
        return usage_error(error, LOP_E_ARG, "expected a command");
    } else if (first[0] == '-') {
        return usage_error(error, LOP_E_ARG,
                           "expected a command, found the option '%s'; options follow the command",
                           first);
    } else {
        return unknown_command(first, error);
    }
    return LOP_OK;
}

/*
 * Results that were not written are a failure, however well they were made. A reader that went
 * away, as `head` does, has what it wanted: then no word, and the status that a shell gives.
 */
static lop_status flush_results(const session *s, lop_error *error, bool *reader_left)
{
    errno = s->unwritten;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return LOP_OK;
    *reader_left = errno == EPIPE;
    lop_status code = errno == ENOSPC ? LOP_E_FULL : LOP_E_IO;
    usage_error(error, code, "cannot write: %s", strerror(errno ? errno : EIO));
    return blame(error, "standard output");
}

int main(int argc, char **argv)
{
    hold_standard_streams();
    json_watch();
    setlocale(LC_CTYPE, "");
    signal(SIGPIPE, SIG_IGN);
    session s = {
        .words = argv + 1,
        .word_count = argc > 0 ? (size_t)argc - 1 : 0,
        .out = terminal_of(stdout),
        .err = terminal_of(stderr),
    };
    lop_error error = {.offset = LOP_NO_OFFSET}, late = {.offset = LOP_NO_OFFSET};
    s.common.json = has_word(s.words, s.word_count, "--json");
    s.command = s.word_count ? command_find(s.words[0]) : NULL;
    lop_status status = s.command ? with_values(&s, s.words + 1, s.word_count - 1, &error)
                                  : without_command(&s, &error);
    progress_end(&s);
    bool reader_left = false;
    lop_status written = flush_results(&s, &late, &reader_left);
    if (status == LOP_OK && reader_left)
        return 128 + SIGPIPE;
    if (status == LOP_OK && written != LOP_OK) {
        status = written;
        error = late;
    }
    if (status == LOP_E_CANCELLED && signals_caught())
        return 128 + signals_caught();
    if (status != LOP_OK)
        show_error(&s, &error);
    return lop_status_exit(status);
}
