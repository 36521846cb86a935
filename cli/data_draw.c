#include "data_draw.h"

#include <string.h>

/*
 * A character is twice as high as wide, so it shows two pixels, one above the other: with colour a
 * half block whose foreground is the upper and whose background is the lower one, without colour a
 * letter as dark as their mean. Large images are shown at every step-th pixel.
 */
enum { GAP = 2, GREYS = 24, FIRST_GREY = 232 };

typedef struct canvas {
    const lop_samples *samples;
    const terminal *t;
    size_t step;          /* pixels of the image for one that is drawn */
    size_t width, height; /* drawn pixels of one sample */
} canvas;

/* Brightness in [0, 1]: the mean over channels. */
static double pixel(const canvas *c, size_t sample, size_t y, size_t x)
{
    const lop_samples *s = c->samples;
    size_t channels = s->features / (s->height * s->width);
    double sum = 0;
    if (y * c->step >= s->height)
        return 0;
    size_t at = sample * s->features + (y * c->step * s->width + x * c->step) * channels;
    for (size_t i = 0; i < channels; i++)
        sum += s->bytes ? s->bytes[at + i] / 255.0 : (double)s->floats[at + i];
    sum /= (double)channels;
    return sum < 0 ? 0 : sum > 1 ? 1 : sum;
}

static void draw_cell(const canvas *c, double upper, double lower)
{
    static const char ramp[] = " .:-=+*#%@";
    if (c->t->colour && c->t->utf8) {
        printf("\033[38;5;%dm\033[48;5;%dm\xe2\x96\x80",
               FIRST_GREY + (int)(upper * (GREYS - 1) + 0.5),
               FIRST_GREY + (int)(lower * (GREYS - 1) + 0.5));
        return;
    }
    double mean = (upper + lower) / 2;
    putchar(ramp[(size_t)(mean * (double)(sizeof ramp - 2) + 0.5)]);
}

static void draw_row(const canvas *c, size_t first, size_t count, size_t y)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t x = 0; x < c->width; x++)
            draw_cell(c, pixel(c, first + i, y, x), pixel(c, first + i, y + 1, x));
        printf("%s%*s", c->t->colour && c->t->utf8 ? "\033[0m" : "", i + 1 < count ? GAP : 0, "");
    }
    putchar('\n');
}

static void draw_labels(const canvas *c, size_t first, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char label[48];
        snprintf(label, sizeof label, "%u", (unsigned)c->samples->labels[first + i]);
        printf("%-*s", i + 1 < count ? (int)(c->width + GAP) : 0, label);
    }
    putchar('\n');
}

/* What is no image is shown by its first numbers. */
static void list(const lop_samples *s, size_t first, size_t count)
{
    enum { SHOWN = 8 };
    for (size_t i = first; i < first + count; i++) {
        printf("%5u:", (unsigned)s->labels[i]);
        for (size_t f = 0; f < s->features && f < SHOWN; f++) {
            size_t at = i * s->features + f;
            printf(" %8.4g", s->bytes ? s->bytes[at] / 255.0 : (double)s->floats[at]);
        }
        printf(s->features > SHOWN ? " ...\n" : "\n");
    }
}

void samples_draw(const lop_samples *samples, size_t first, size_t count, const terminal *t)
{
    if (samples->height < 2 || samples->width < 2) {
        list(samples, first, count);
        return;
    }
    canvas c = {.samples = samples, .t = t};
    c.step = (samples->width + t->width - 1) / t->width;
    c.width = samples->width / c.step;
    c.height = samples->height / c.step;
    size_t across = (t->width + GAP) / (c.width + GAP);
    if (across == 0)
        across = 1;
    for (size_t done = 0; done < count; done += across) {
        size_t now = count - done < across ? count - done : across;
        draw_labels(&c, first + done, now);
        for (size_t y = 0; y < c.height; y += 2)
            draw_row(&c, first + done, now, y);
    }
}
