#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <lop/data.h>
#include <lop/machine.h>
#include <lop/output.h>

#include "commands.h"
#include "session.h"

/* Man pages --------------------------------------------------------------------------------------
 */

/* Text in roff: hyphens that are typed, backslashes, and no line that looks like a request. */
static void roff(FILE *stream, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        bool begins = i == 0 || text[i - 1] == '\n';
        if (begins && (text[i] == '.' || text[i] == '\''))
            fputs("\\&", stream);
        if (text[i] == '-')
            fputs("\\-", stream);
        else if (text[i] == '\\')
            fputs("\\e", stream);
        else
            fputc(text[i], stream);
    }
}

static void roff_text(FILE *stream, const char *text) { roff(stream, text, strlen(text)); }

static void man_paragraphs(FILE *stream, const char *text)
{
    bool kept = false;
    while (*text) {
        size_t length = strcspn(text, "\n");
        if (text[0] == ' ' && !kept)
            fputs(".nf\n", stream);
        else if (text[0] != ' ' && kept)
            fputs(".fi\n", stream);
        kept = text[0] == ' ';
        if (length == 0)
            fputs(".PP", stream);
        roff(stream, text, length);
        fputc('\n', stream);
        text += length;
        text += *text == '\n';
    }
    if (kept)
        fputs(".fi\n", stream);
}

static void man_option(FILE *stream, const option *row, const void *values)
{
    char preset[160];
    fputs(".TP\n", stream);
    if (row->letter)
        fprintf(stream, "\\fB\\-%c\\fR, ", row->letter);
    fputs("\\fB\\-\\-", stream);
    roff_text(stream, row->name);
    fputs("\\fR", stream);
    if (row->argument) {
        fputs(" \\fI", stream);
        roff_text(stream, row->argument);
        fputs("\\fR", stream);
    }
    if (row->negatable) {
        fputs(", \\fB\\-\\-no\\-", stream);
        roff_text(stream, row->name);
        fputs("\\fR", stream);
    }
    fputc('\n', stream);
    roff_text(stream, row->help);
    option_default(row, values, preset, sizeof preset);
    if (preset[0]) {
        fputs(" [", stream);
        roff_text(stream, preset);
        fputc(']', stream);
    }
    fputc('\n', stream);
}

static void man_groups(FILE *stream, const command *of, const option_group *group,
                       const void *values)
{
    const char *before = "";
    for (; group && group->title; group++) {
        if (strcmp(group->title, before) != 0)
            fprintf(stream, ".SS %s\n", group->title);
        before = group->title;
        for (const option *row = group->options; row->name; row++)
            if (of->seeded || row->kind != OPTION_SEED)
                man_option(stream, row, values);
    }
}

static const char exit_statuses[] =
    ".SH EXIT STATUS\n"
    ".TP\n0\nsuccess\n.TP\n1\nfinished, but the stated target was not met\n.TP\n64\nusage\n"
    ".TP\n65\nbad data\n.TP\n66\nno such input\n.TP\n70\na fault of lop\n.TP\n71\nout of memory\n"
    ".TP\n73\nthe output cannot be created, or exists\n.TP\n74\ninput or output failed, or the "
    "disk "
    "is full\n.TP\n75\nbusy, try again\n.TP\n128 + N\nended by signal N\n";

/* Titles of pages are in capitals. */
static char *capitals(const char *name, char *buffer, size_t size)
{
    size_t length = 0;
    for (; name[length] && length + 1 < size; length++)
        buffer[length] = (char)toupper((unsigned char)name[length]);
    buffer[length] = 0;
    return buffer;
}

static void man_command(FILE *stream, const command *of, const void *values)
{
    char title[32];
    fprintf(stream, ".TH LOP\\-%s 1 \"\" \"lop %s\" \"lop manual\"\n.SH NAME\nlop\\-%s \\- ",
            capitals(of->name, title, sizeof title), lop_version(), of->name);
    roff_text(stream, of->summary);
    fprintf(stream, "\n.SH SYNOPSIS\n\\fBlop %s\\fR ", of->name);
    roff_text(stream, of->synopsis);
    fputs("\n.SH DESCRIPTION\n", stream);
    man_paragraphs(stream, of->description);
    fputs(".SH OPTIONS\n", stream);
    man_groups(stream, of, of->groups, values);
    man_groups(stream, of, common_groups(), values);
    fputs(exit_statuses, stream);
    if (of->examples)
        fputs(".SH EXAMPLES\n", stream);
    for (const example *one = of->examples; one && one->line; one++) {
        fputs(".TP\n\\fB", stream);
        roff_text(stream, one->line);
        fputs("\\fR\n", stream);
        roff_text(stream, one->what);
        fputc('\n', stream);
    }
    fputs(".SH SEE ALSO\n\\fBlop\\fR(1)\n", stream);
}

static void man_all(FILE *stream)
{
    const command *of;
    fprintf(
        stream,
        ".TH LOP 1 \"\" \"lop %s\" \"lop manual\"\n.SH NAME\nlop \\- train neural networks, prune "
        "them, and show what every zero gains and costs\n.SH SYNOPSIS\n\\fBlop\\fR "
        "\\fICOMMAND\\fR [\\fIOPTIONS\\fR] [\\fIFILES\\fR]\n.SH COMMANDS\n",
        lop_version());
    for (size_t i = 0; (of = command_at(i)); i++) {
        if (of->hidden)
            continue;
        fprintf(stream, ".TP\n\\fBlop\\-%s\\fR(1)\n", of->name);
        roff_text(stream, of->summary);
        fputc('\n', stream);
    }
    fputs(
        ".SH DESCRIPTION\nResults go to standard output, progress and messages to standard error. "
        "\\fB\\-\\fR means standard input or output where a file is meant. No colour or animation "
        "appears where that is no terminal.\n",
        stream);
    fputs(exit_statuses, stream);
    fputs(".SH ENVIRONMENT\n"
          ".TP\n\\fBLOP_DATA\\fR, \\fBXDG_CACHE_HOME\\fR\nwhere data sets are kept\n"
          ".TP\n\\fBNO_COLOR\\fR\nno colour where it is set and not empty\n",
          stream);
}

/* Bash completion --------------------------------------------------------------------------------
 */

static void bash_words(FILE *stream, const command *of)
{
    const option *row;
    for (size_t i = 0; (row = option_at(of, i)); i++) {
        fprintf(stream, "%s--%s", i ? " " : "", row->name);
        if (row->negatable)
            fprintf(stream, " --no-%s", row->name);
        if (row->letter)
            fprintf(stream, " -%c", row->letter);
    }
}

static void bash_data_names(FILE *stream)
{
    const lop_data_entry *entry;
    for (size_t i = 0; (entry = lop_data_entry_at(i)); i++)
        fprintf(stream, "%s%s", i ? " " : "", entry->name);
}

static void bash_offer(FILE *stream, option_offer offer)
{
    if (offer == OFFER_DATA) {
        fputs("_lop_offer -d -W \"", stream);
        bash_data_names(stream);
        fputs("\"", stream);
    } else {
        fputs(offer == OFFER_DIRECTORIES ? "_lop_offer -d" : "_lop_offer -f", stream);
    }
}

/* One branch: what may follow this option. */
static void bash_value(FILE *stream, const command *of, const option *row)
{
    const char *name;
    fprintf(stream, "        %s:--%s%s", of->name, row->name, row->letter ? "" : ") ");
    if (row->letter)
        fprintf(stream, "|%s:-%c) ", of->name, row->letter);
    if (row->name_at) {
        fputs("_lop_offer -W \"", stream);
        for (size_t i = 0; (name = row->name_at(NULL, i)); i++)
            fprintf(stream, "%s%s", i ? " " : "", name);
        fputs("\"", stream);
    } else if (row->offer != OFFER_NOTHING || row->kind == OPTION_RECIPE) {
        bash_offer(stream, row->offer);
    } else {
        fputs(":", stream);
    }
    fputs("; return ;;\n", stream);
}

static void bash_all(FILE *stream)
{
    const command *of;
    const option *row;
    fputs("# bash completion for lop\n\n"
          "_lop_offer() { mapfile -t -O \"${#COMPREPLY[@]}\" COMPREPLY < <(compgen \"$@\" -- "
          "\"$word\"); }\n\n"
          "_lop() {\n"
          "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
          "    local name=${COMP_WORDS[1]}\n"
          "    COMPREPLY=()\n"
          "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
          "        _lop_offer -W \"help --help --version",
          stream);
    for (size_t i = 0; (of = command_at(i)); i++)
        if (!of->hidden)
            fprintf(stream, " %s", of->name);
    fputs("\"\n        return\n    fi\n    case $name:$before in\n", stream);
    for (size_t i = 0; (of = command_at(i)); i++)
        for (size_t o = 0; !of->hidden && (row = option_at(of, o)); o++)
            if (row->kind != OPTION_FLAG)
                bash_value(stream, of, row);
    fputs("    esac\n    case $name:$word in\n", stream);
    for (size_t i = 0; (of = command_at(i)); i++) {
        if (of->hidden)
            continue;
        fprintf(stream, "        %s:-*) _lop_offer -W \"", of->name);
        bash_words(stream, of);
        fputs("\" ;;\n", stream);
        fprintf(stream, "        %s:*) ", of->name);
        for (size_t a = 0; of->actions && of->actions[a]; a++)
            fprintf(stream, "%s%s", a ? " " : "[ \"$COMP_CWORD\" -eq 2 ] && _lop_offer -W \"",
                    of->actions[a]);
        fputs(of->actions ? "\" || " : "", stream);
        bash_offer(stream, of->offer);
        fputs(" ;;\n", stream);
    }
    fputs("        help:*) _lop_offer -W \"", stream);
    for (size_t i = 0; (of = command_at(i)); i++)
        if (!of->hidden)
            fprintf(stream, "%s%s", i ? " " : "", of->name);
    fputs("\" ;;\n    esac\n}\n\ncomplete -o filenames -F _lop lop\n", stream);
}

/* The command ------------------------------------------------------------------------------------
 */

static lop_status open_in(lop_output **out, const char *dir, const char *before, const char *name,
                          const char *after, lop_error *error)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/lop%s%s%s", dir, before, name, after);
    return lop_output_open(out, path, true, error);
}

static lop_status write_man_command(const command *of, const char *dir, lop_error *error)
{
    lop_output *output = NULL;
    lop_status status = LOP_OK;
    void *values = calloc(1, of->values_size);
    if (!values)
        return usage_error(error, LOP_E_MEMORY, "out of memory");
    ((common *)values)->seed = 1;
    if (of->prepare)
        status = of->prepare(values, error);
    if (status == LOP_OK)
        status = open_in(&output, dir, "-", of->name, ".1", error);
    if (status == LOP_OK) {
        man_command(lop_output_stream(output), of, values);
        status = lop_output_commit(output, error);
    }
    if (of->release)
        of->release(values);
    free(values);
    return status;
}

static lop_status write_man(const char *dir, lop_error *error)
{
    const command *of;
    lop_output *output = NULL;
    lop_status status = open_in(&output, dir, "", "", ".1", error);
    if (status == LOP_OK) {
        man_all(lop_output_stream(output));
        status = lop_output_commit(output, error);
    }
    for (size_t i = 0; status == LOP_OK && (of = command_at(i)); i++)
        if (!of->hidden)
            status = write_man_command(of, dir, error);
    return status;
}

static lop_status write_bash(const char *dir, lop_error *error)
{
    lop_output *output = NULL;
    lop_status status = open_in(&output, dir, "", "", "", error);
    if (status != LOP_OK)
        return status;
    bash_all(lop_output_stream(output));
    return lop_output_commit(output, error);
}

static const struct {
    const char *name;
    lop_status (*write)(const char *dir, lop_error *error);
} kinds[] = {{"man", write_man}, {"bash", write_bash}};

static lop_status run(session *s, void *given, lop_error *error)
{
    const common *v = given;
    (void)s;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].name, v->arguments[0]) == 0)
            return kinds[i].write(v->arguments[1], error);
    return usage_error(error, LOP_E_NAME, "expected man or bash, found '%s'", v->arguments[0]);
}

const command command_docs = {
    .name = "docs",
    .summary = "write man pages or the completion for bash",
    .synopsis = "man|bash DIR",
    .description = "Write lop's man pages, or its completion for bash, into DIR.\n",
    .least = 2,
    .most = 2,
    .values_size = sizeof(common),
    .hidden = true,
    .run = run,
};
