#include "session.h"

#include <stdlib.h>
#include <string.h>

enum { NAME_COLUMN = 2, HELP_COLUMN = 28, WIDEST = 100 };

static size_t columns(const char *text, size_t length)
{
    size_t count = 0;
    for (size_t i = 0; i < length; i++)
        count += ((unsigned char)text[i] & 0xc0) != 0x80;
    return count;
}

/* Words of `text` from column `at` on, wrapped at `width`, further lines from `indent`. */
static void wrap(FILE *stream, const char *text, size_t at, size_t indent, size_t width)
{
    bool first = true;
    while (*text) {
        size_t length = strcspn(text, " \n"), wide = columns(text, length);
        if (!first && at + 1 + wide > width) {
            fprintf(stream, "\n%*s", (int)indent, "");
            at = indent;
        } else if (!first) {
            fputc(' ', stream);
            at++;
        }
        fwrite(text, 1, length, stream);
        at += wide;
        text += length;
        text += strspn(text, " ");
        first = false;
        if (*text == '\n')
            break;
    }
}

/* Paragraphs; a line that begins with a space is kept as it is. */
static void paragraphs(FILE *stream, const char *text, size_t width)
{
    while (*text) {
        size_t length = strcspn(text, "\n");
        if (text[0] == ' ')
            fwrite(text, 1, length, stream);
        else
            wrap(stream, text, 0, 0, width);
        fputc('\n', stream);
        text += length;
        text += *text == '\n';
    }
}

static void show_option(FILE *stream, const option *row, const void *values, size_t width)
{
    char left[96], preset[160], help[512];
    snprintf(left, sizeof left, "%c%c%s --%s%s%s%s", row->letter ? '-' : ' ',
             row->letter ? row->letter : ' ', row->letter ? "," : " ",
             row->negatable ? "[no-]" : "", row->name, row->argument ? " " : "",
             row->argument ? row->argument : "");
    option_default(row, values, preset, sizeof preset);
    snprintf(help, sizeof help, "%s%s%s%s", row->help, preset[0] ? " [" : "", preset,
             preset[0] ? "]" : "");
    size_t used = NAME_COLUMN + columns(left, strlen(left));
    fprintf(stream, "%*s%s", NAME_COLUMN, "", left);
    if (used + 2 > HELP_COLUMN) {
        fputc('\n', stream);
        used = 0;
    }
    fprintf(stream, "%*s", (int)(HELP_COLUMN - used), "");
    wrap(stream, help, HELP_COLUMN, HELP_COLUMN, width);
    fputc('\n', stream);
}

static void show_groups(FILE *stream, const command *of, const option_group *group,
                        const void *values, size_t width)
{
    const char *before = "";
    for (; group && group->title; group++) {
        if (strcmp(group->title, before) != 0)
            fprintf(stream, "\n%s:\n", group->title);
        before = group->title;
        for (const option *row = group->options; row->name; row++)
            if (of->seeded || row->kind != OPTION_SEED)
                show_option(stream, row, values, width);
    }
}

static lop_status show_command(FILE *stream, const command *of, size_t width, lop_error *error)
{
    void *values = calloc(1, of->values_size);
    if (!values)
        return usage_error(error, LOP_E_MEMORY, "out of memory for the help");
    ((common *)values)->seed = 1;
    lop_status status = of->prepare ? of->prepare(values, error) : LOP_OK;
    if (status == LOP_OK) {
        fprintf(stream, "Usage: lop %s %s\n\n", of->name, of->synopsis);
        paragraphs(stream, of->description, width);
        show_groups(stream, of, of->groups, values, width);
        show_groups(stream, of, common_groups(), values, width);
        if (of->examples)
            fprintf(stream, "\nExamples:\n");
        for (const example *one = of->examples; one && one->line; one++)
            fprintf(stream, "  %s\n      %s\n", one->line, one->what);
    }
    if (of->release)
        of->release(values);
    free(values);
    return status;
}

static void show_all(FILE *stream, size_t width)
{
    const command *of;
    paragraphs(stream,
               "Usage: lop COMMAND [OPTIONS] [FILES]\n\n"
               "lop trains neural networks, prunes them, and shows what every zero gains and "
               "costs.\n\n",
               width);
    fprintf(stream, "Commands:\n");
    for (size_t i = 0; (of = command_at(i)); i++)
        if (!of->hidden)
            fprintf(stream, "  %-13s%s\n", of->name, of->summary);
    fprintf(stream, "\n'lop COMMAND --help' tells more. A first look, half a minute long:\n\n"
                    "  lop data show mnist\n"
                    "  lop train --data mnist --epochs 2 -o net.safetensors\n"
                    "  lop prune net.safetensors --method weight --sparsity 90 -o p.safetensors\n"
                    "  lop eval p.safetensors --data mnist\n");
}

lop_status help_show(FILE *stream, const command *of, size_t width, lop_error *error)
{
    if (width > WIDEST)
        width = WIDEST;
    if (of)
        return show_command(stream, of, width, error);
    show_all(stream, width);
    return LOP_OK;
}
