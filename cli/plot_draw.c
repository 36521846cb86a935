#include "plot_draw.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/*
 * A character holds 2 × 4 dots where the terminal shows Braille, else one. Lines are drawn in dots,
 * a letter stands at each place that was measured; where letters meet there is a star.
 */
enum { HEIGHT = 16, MARGIN = 7, MOST_WIDTH = 100, LETTERS = 26 };

/* Colours of 256 near those of the figures. */
static const int colours[] = {32, 166, 35, 175, 74, 178};
enum { COLOURS = sizeof colours / sizeof *colours };

typedef struct cell {
    unsigned char dots; /* Braille: bit 0 to 7 */
    char letter;        /* 0: none */
    size_t line;        /* who was here last */
} cell;

typedef struct canvas {
    const plot *p;
    const terminal *t;
    size_t width, dots_across, dots_down; /* characters; dots of one */
    cell *cells;                          /* [HEIGHT][width] */
} canvas;

/* Of dot (column 0 to 1, row 0 to 3) in a Braille character. */
static const unsigned char braille[4][2] = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};

static void put_dot(canvas *c, double x, double y, size_t line)
{
    size_t column = (size_t)(x * (double)(c->width * c->dots_across - 1) + 0.5);
    size_t row = (size_t)((1 - y) * (double)(HEIGHT * c->dots_down - 1) + 0.5);
    cell *at = &c->cells[row / c->dots_down * c->width + column / c->dots_across];
    at->dots |= braille[row % c->dots_down][column % c->dots_across];
    at->line = line;
}

static void put_letter(canvas *c, double x, double y, size_t line)
{
    size_t column = (size_t)(x * (double)(c->width - 1) + 0.5);
    size_t row = (size_t)((1 - y) * (double)(HEIGHT - 1) + 0.5);
    cell *at = &c->cells[row * c->width + column];
    at->letter = at->letter ? '*' : (char)('a' + line % LETTERS);
    at->line = line;
}

/* As a share of the axis; beyond it, its end. */
static double share(const plot *p, double y)
{
    double at = (y - p->low) / (p->high - p->low);
    return at < 0 ? 0 : at > 1 ? 1 : at;
}

/* Places stand in the middle of equal parts of the width. */
static double across(const plot *p, size_t place)
{
    return ((double)place + 0.5) / (double)p->places;
}

static void put_line(canvas *c, size_t line)
{
    const plot *p = c->p;
    const double *y = p->y + line * p->places;
    size_t steps = 4 * c->width;
    for (size_t i = 0; i + 1 < p->places; i++)
        for (size_t step = 0; isfinite(y[i]) && isfinite(y[i + 1]) && step <= steps; step++) {
            double part = (double)step / (double)steps, from = across(p, i), to = across(p, i + 1);
            put_dot(c, from + part * (to - from),
                    share(p, y[i]) + part * (share(p, y[i + 1]) - share(p, y[i])), line);
        }
}

static void show_cell(const canvas *c, const cell *at)
{
    bool coloured = c->t->colour && (at->letter || at->dots);
    if (coloured)
        printf("\033[38;5;%dm", colours[at->line % COLOURS]);
    if (at->letter)
        putchar(at->letter);
    else if (at->dots && c->t->utf8) /* U+2800 and the dots, in UTF-8 */
        printf("\xe2%c%c", 0xA0 + (at->dots >> 6), 0x80 + (at->dots & 0x3F));
    else
        putchar(at->dots ? '.' : ' ');
    if (coloured)
        printf("\033[0m");
}

static void show_rows(const canvas *c)
{
    const plot *p = c->p;
    for (size_t row = 0; row < HEIGHT; row++) {
        double value = p->high - (double)row / (HEIGHT - 1) * (p->high - p->low);
        if (row % 5 == 0)
            printf("%*.4g %s", MARGIN - 2, value, c->t->utf8 ? "┤" : "|");
        else
            printf("%*s%s", MARGIN - 1, "", c->t->utf8 ? "│" : "|");
        size_t used = c->width;
        while (used && !c->cells[row * c->width + used - 1].letter &&
               !c->cells[row * c->width + used - 1].dots)
            used--;
        for (size_t column = 0; column < used; column++)
            show_cell(c, &c->cells[row * c->width + column]);
        putchar('\n');
    }
}

/* Ticks below their places, where they do not run into one another. */
static void show_places(const canvas *c)
{
    size_t used = 0;
    printf("%*s", MARGIN, "");
    for (size_t i = 0; i < c->p->places; i++) {
        char text[16];
        c->p->place(c->p->of, i, text, sizeof text);
        size_t size = strlen(text),
               middle = (size_t)(across(c->p, i) * (double)(c->width - 1) + 0.5);
        size_t begin = middle < size / 2 ? 0 : middle - size / 2;
        if (begin < used + (used > 0))
            continue;
        printf("%*s%s", (int)(begin - used), "", text);
        used = begin + size;
    }
    putchar('\n');
}

static void show_names(const canvas *c)
{
    size_t used = 0;
    for (size_t line = 0; line < c->p->lines; line++) {
        char name[64];
        c->p->name(c->p->of, line, name, sizeof name);
        size_t size = strlen(name) + 5;
        bool breaks = used > 0 && used + size > c->width;
        printf("%s%*s", breaks ? "\n" : "", breaks || used == 0 ? MARGIN : 3, "");
        used = (breaks ? 0 : used) + size;
        if (c->t->colour)
            printf("\033[38;5;%dm", colours[line % COLOURS]);
        printf("%c%s %s", (char)('a' + line % LETTERS), c->t->colour ? "\033[0m" : "", name);
    }
    putchar('\n');
}

lop_status plot_draw(const plot *p, const terminal *t, lop_error *error)
{
    size_t width = (t->width < MOST_WIDTH ? t->width : MOST_WIDTH) - MARGIN - 1;
    canvas c = {p, t, width, t->utf8 ? 2 : 1, t->utf8 ? 4 : 1, NULL};
    if (p->places == 0 || !(p->high > p->low))
        return LOP_OK;
    if (!(c.cells = calloc(HEIGHT * width, sizeof *c.cells)))
        return usage_error(error, LOP_E_MEMORY, "out of memory for the plot");
    for (size_t line = 0; line < p->lines; line++)
        put_line(&c, line);
    for (size_t line = 0; line < p->lines; line++)
        for (size_t i = 0; i < p->places; i++)
            if (isfinite(p->y[line * p->places + i]))
                put_letter(&c, across(p, i), share(p, p->y[line * p->places + i]), line);
    printf("%s\n", p->title);
    show_rows(&c);
    show_places(&c);
    show_names(&c);
    free(c.cells);
    return LOP_OK;
}
