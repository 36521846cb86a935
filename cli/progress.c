#include <math.h>
#include <string.h>

#include <lop/machine.h>

#include "session.h"

static const double redraw_seconds = 0.1;
enum { BAR = 20, LINE = 256 };

/* "seed 1  epoch  3/20  loss 0.0412  accuracy 98.71 %  41,200 images/s  0:23 left" */
static void describe(const lop_progress *p, char *line, size_t size)
{
    size_t used = 0;
    char number[32];
    line[0] = 0;
    if (p->detail)
        used += (size_t)snprintf(line + used, size - used, "%s  ", p->detail);
    if (p->epochs)
        used +=
            (size_t)snprintf(line + used, size - used, "epoch %*zu/%zu  ", 2, p->epoch, p->epochs);
    if (isfinite(p->loss))
        used += (size_t)snprintf(line + used, size - used, "loss %.4f  ", p->loss);
    if (isfinite(p->accuracy))
        used += (size_t)snprintf(line + used, size - used, "accuracy %.2f %%  ", 100 * p->accuracy);
    if (isfinite(p->samples_per_second) && p->samples_per_second > 0)
        used += (size_t)snprintf(
            line + used, size - used, "%s images/s  ",
            grouped((unsigned long long)p->samples_per_second, number, sizeof number));
    if (isfinite(p->seconds_left))
        snprintf(line + used, size - used, "%s left  ",
                 lasted(p->seconds_left < 1 ? 1 : p->seconds_left, number, sizeof number));
    for (size_t end = strlen(line); end > 0 && line[end - 1] == ' '; end--)
        line[end - 1] = 0;
}

static void draw_bar(const session *s, const lop_progress *p, char *bar, size_t size)
{
    static const char *const filled[] = {"#", "\xe2\x96\x88"}, *const empty[] = {".",
                                                                                 "\xe2\x96\x91"};
    bar[0] = 0;
    if (p->steps == 0)
        return;
    size_t done = p->step < p->steps ? p->step * BAR / p->steps : BAR, used = 0;
    for (size_t i = 0; i < BAR; i++)
        used += (size_t)snprintf(bar + used, size - used, "%s",
                                 i < done ? filled[s->err.utf8] : empty[s->err.utf8]);
    snprintf(bar + used, size - used, "  ");
}

/* Columns that a line takes: bytes that continue a character take none. */
static size_t columns_of(const char *line)
{
    size_t columns = 0;
    for (; *line; line++)
        columns += ((unsigned char)*line & 0xc0) != 0x80;
    return columns;
}

static void draw_line(session *s, const lop_progress *p)
{
    double now = lop_clock_seconds();
    if (s->line_shown && now - s->line_time < redraw_seconds)
        return;
    char line[LINE], bar[BAR * 4];
    describe(p, line, sizeof line);
    draw_bar(s, p, bar, sizeof bar);
    if (columns_of(bar) + columns_of(line) >= s->err.width)
        bar[0] = 0;
    if (columns_of(line) >= s->err.width)
        line[s->err.width - 1] = 0;
    fprintf(stderr, "\r%s%s%s%s\033[K", s->err.colour ? "\033[36m" : "", bar,
            s->err.colour ? "\033[0m" : "", line);
    fflush(stderr);
    s->line_shown = true;
    s->line_time = now;
}

void progress_end(session *s)
{
    if (s->line_shown)
        fputs("\r\033[K", stderr);
    s->line_shown = false;
}

static void on_progress(void *context, const lop_progress *p)
{
    session *s = context;
    if (s->common.quiet || s->common.json)
        return;
    /* Where a line cannot be drawn over, the message that ends each epoch has to do. */
    if (s->err.is_terminal)
        draw_line(s, p);
}

static void on_message(void *context, lop_level level, const char *text)
{
    session *s = context;
    if (level == LOP_WARNING && !s->common.json) {
        warn(s, text);
    } else if (level == LOP_INFO) {
        say(s, "%s", text);
    } else if (level == LOP_DETAIL) {
        say_more(s, "%s", text);
    }
}

static bool on_cancelled(void *context)
{
    (void)context;
    return signals_caught() != 0;
}

lop_hooks session_hooks(session *s)
{
    return (lop_hooks){s, on_message, on_progress, on_cancelled};
}
