/**
 * Session: one run of the program. What the terminals can show, how messages, results and errors
 * are given, and how a signal ends a long job.
 */
#ifndef CLI_SESSION_H
#define CLI_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <lop/experiment.h>
#include <lop/hooks.h>
#include <lop/result.h>

#include "options.h"

/** What a stream shows. */
typedef struct terminal {
    bool is_terminal, colour, utf8;
    size_t width; /* columns; 80 where it is no terminal */
} terminal;

struct session {
    const command *command; /* NULL until it is known */
    common common;          /* as given */
    terminal out, err;
    char **words; /* the command line, for telling how to continue */
    size_t word_count;
    int unwritten; /* errno of results that could not be written, or 0 */

    /* the progress line */
    bool line_shown;
    double line_time; /* when it was last drawn */
};

terminal terminal_of(FILE *stream);

/** Messages go to standard error; silent under --quiet and --json. */
void say(session *s, const char *format, ...) LOP_PRINTF(2, 3);
/** As say, but only under --verbose. */
void say_more(session *s, const char *format, ...) LOP_PRINTF(2, 3);
/** What is said also where all is to be quiet. */
void warn(session *s, const char *text);
/** The natural next command: a last message. */
void say_next(session *s, const char *format, ...) LOP_PRINTF(2, 3);
/** One line on standard error, or one JSON line. */
void show_error(session *s, const lop_error *error);
/** Hooks that draw progress, and ask whether a signal came. `s` keeps them alive. */
lop_hooks session_hooks(session *s);
/** Take the progress line off the terminal. */
void progress_end(session *s);

/** From now on SIGINT, SIGTERM and SIGHUP ask for an end; the second one ends at once. */
void signals_watch(void);
/** The signal that came, or 0. */
int signals_caught(void);

/** The command line as it was typed, quoted for a shell, with `word` (may be NULL) added where
 * it is missing. */
void command_line(const session *s, const char *word, char *buffer, size_t size);
/** A text from a file, for a terminal: what would steer that stands as '?'. Returns `text`. */
char *shown(char *text);
/** `word` quoted for a shell where it must be. */
char *quoted(const char *word, char *buffer, size_t size);

/** "2,386,000". */
char *grouped(unsigned long long number, char *buffer, size_t size);
/** "9.54 MB". */
char *sized(unsigned long long bytes, char *buffer, size_t size);
/** "1:05 min", "12.3 s". */
char *lasted(double seconds, char *buffer, size_t size);

/** Write help for one command, or for all where `of` is NULL. LOP_E_MEMORY. */
lop_status help_show(FILE *stream, const command *of, size_t width, lop_error *error);

#endif
