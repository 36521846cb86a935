/*
 * contender ENGINE: answer requests from standard input, each by one JSON line.
 *
 *     open FILE THREADS BATCH   make the network ready, by the fastest of the engine's settings,
 *                               and say by which; lop also says what its plan is
 *     time SECONDS              run again and again: median, 5th and 95th percentile, microseconds
 *     outputs FILE              logits of all samples, as float32
 *
 * `contender --list` names the engines that were built. ../inference.py is who asks.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "contender.h"

enum { MAX_TIMES = 200000, LINE = 4096 };

static const peer_engine *const engines[] = {
    &engine_lop_int8,         &engine_lop_float32,         &engine_lop_avx2,
    &engine_onnxruntime_int8, &engine_onnxruntime_float32,
#ifdef WITH_ONEDNN
    &engine_onednn_int8,      &engine_onednn_bf16,         &engine_onednn_float32,
#endif
#ifdef WITH_GRAPHBLAS
    &engine_graphblas,
#endif
};

enum { ENGINES = sizeof engines / sizeof engines[0] };

/* The engine at work. */
typedef struct contender {
    const peer_engine *engine;
    peer_net contest;
    char path[LINE];
    peer_job job;
    void *state; /* NULL: nothing is open */
    float *y;
    double *times; /* [MAX_TIMES] */
} contender;

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Threads that an engine keeps awake for its next run must not disturb whoever runs next. */
static void fall_asleep(void)
{
    const struct timespec moment = {.tv_nsec = 4000000};
    for (int i = 0; i < 500; i++) {
        clock_t before = clock();
        nanosleep(&moment, NULL);
        if (clock() - before < CLOCKS_PER_SEC / 1000)
            return;
    }
}

/* Runs for some seconds, sorted times [*count] of the later nine tenths, in microseconds. */
static lop_status take_times(contender *c, double seconds, size_t *count, lop_error *error)
{
    *count = 0;
    double begin = lop_clock_seconds(), now = begin;
    for (size_t i = 0; *count == 0 || (now - begin < seconds && *count < MAX_TIMES); i++) {
        double before = lop_clock_seconds();
        lop_status status = c->engine->run(c->state, i % c->job.sets, c->y, error);
        if (status)
            return status;
        now = lop_clock_seconds();
        if ((i > 0 && now - begin > seconds / 10) || now - begin > 4 * seconds)
            c->times[(*count)++] = 1e6 * (now - before);
    }
    qsort(c->times, *count, sizeof *c->times, compare);
    return LOP_OK;
}

static void shut(contender *c)
{
    if (c->state)
        c->engine->close(c->state);
    c->state = NULL;
}

static lop_status load(contender *c, const char *path, lop_error *error)
{
    if (strcmp(path, c->path) == 0)
        return LOP_OK;
    contest_close(&c->contest);
    c->path[0] = 0;
    lop_status status = contest_open(&c->contest, path, error);
    if (status)
        return status;
    free(c->y);
    c->y = malloc(SAMPLES * c->contest.layers[c->contest.layer_count - 1].outputs * sizeof *c->y);
    if (!c->y)
        return fail(error, LOP_E_MEMORY, "out of memory");
    snprintf(c->path, sizeof c->path, "%s", path);
    return LOP_OK;
}

/* The fastest of the settings is tried with the same runs as are timed later. */
static lop_status choose_variant(contender *c, size_t *best, lop_error *error)
{
    double least = 0;
    const char *const *variants = c->engine->variants;
    for (size_t v = 0; variants[0] && variants[1] && variants[v]; v++) {
        size_t count;
        c->job.variant = v;
        lop_status status = c->engine->open(&c->state, &c->job, error);
        if (status == LOP_E_UNSUPPORTED && v > 0)
            continue;
        if (status == LOP_OK)
            status = take_times(c, 0.1, &count, error);
        if (status)
            return status;
        shut(c);
        double median = c->times[count / 2];
        if (v == 0 || median < least) {
            least = median;
            *best = v;
        }
    }
    return LOP_OK;
}

static lop_status do_open(contender *c, char *arguments, lop_error *error)
{
    char *rest = strchr(arguments, ' '), *end = NULL;
    size_t best = 0, threads = rest ? strtoul(rest, &end, 10) : 0;
    size_t batch = end ? strtoul(end, NULL, 10) : 0;
    if (threads == 0 || batch == 0 || batch > SAMPLES)
        return fail(error, LOP_E_ARG, "expected: open FILE THREADS BATCH");
    *rest = 0;
    shut(c);
    lop_status status = load(c, arguments, error);
    if (status == LOP_OK)
        status = lop_threads_set(threads, error);
    if (status)
        return status;
    c->job = (peer_job){.contest = &c->contest,
                        .threads = threads,
                        .batch = batch,
                        .sets = batch == 1 ? SETS_OF_ONE : SAMPLES / batch};
    status = choose_variant(c, &best, error);
    if (status)
        return status;
    c->job.variant = best;
    status = c->engine->open(&c->state, &c->job, error);
    if (status)
        return status;
    printf("{\"setting\": \"%s\"", c->engine->variants[best]);
    if (c->engine->describe)
        c->engine->describe(c->state);
    printf("}\n");
    return LOP_OK;
}

static lop_status do_time(contender *c, char *arguments, lop_error *error)
{
    double seconds = strtod(arguments, NULL);
    size_t count;
    if (!(seconds > 0) || !c->state)
        return fail(error, LOP_E_ARG, "expected an open network and: time SECONDS");
    lop_status status = take_times(c, seconds, &count, error);
    if (status)
        return status;
    fall_asleep();
    printf("{\"us\": %.3f, \"low_us\": %.3f, \"high_us\": %.3f, \"runs\": %zu}\n",
           c->times[count / 2], c->times[count / 20], c->times[count - 1 - count / 20], count);
    return LOP_OK;
}

static lop_status do_outputs(contender *c, char *arguments, lop_error *error)
{
    FILE *file = c->state ? fopen(arguments, "wb") : NULL;
    if (!file)
        return fail(error, LOP_E_ARG, "expected an open network and: outputs FILE");
    size_t values = c->job.batch * c->contest.layers[c->contest.layer_count - 1].outputs;
    lop_status status = LOP_OK;
    for (size_t set = 0; set < c->job.sets && status == LOP_OK; set++) {
        status = c->engine->run(c->state, set, c->y, error);
        if (status == LOP_OK && fwrite(c->y, sizeof *c->y, values, file) != values)
            status = fail(error, LOP_E_IO, "cannot write %s", arguments);
    }
    if (fclose(file) && status == LOP_OK)
        status = fail(error, LOP_E_IO, "cannot write %s", arguments);
    if (status == LOP_OK)
        printf("{\"samples\": %zu}\n", c->job.sets * c->job.batch);
    return status;
}

static const struct {
    const char *name;
    lop_status (*run)(contender *, char *arguments, lop_error *);
} requests[] = {{"open ", do_open}, {"time ", do_time}, {"outputs ", do_outputs}};

static void answer(contender *c, char *line)
{
    lop_error error = {.text = ""};
    lop_status status = LOP_E_ARG;
    snprintf(error.text, sizeof error.text, "expected open, time or outputs");
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        size_t length = strlen(requests[i].name);
        if (strncmp(line, requests[i].name, length) == 0)
            status = requests[i].run(c, line + length, &error);
    }
    if (status) {
        for (char *p = error.text; *p; p++)
            if (*p == '"' || *p == '\\' || *p < ' ')
                *p = '\'';
        printf("{\"error\": \"%s\"}\n", error.text);
    }
    fflush(stdout);
}

static int serve(const peer_engine *engine)
{
    contender c = {.engine = engine};
    char line[LINE];
    c.times = malloc(MAX_TIMES * sizeof *c.times);
    while (c.times && fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = 0;
        answer(&c, line);
    }
    shut(&c);
    contest_close(&c.contest);
    free(c.times);
    free(c.y);
    return 0;
}

int main(int argc, char **argv)
{
    const char *name = argc == 2 ? argv[1] : "";
    for (size_t i = 0; i < ENGINES; i++) {
        if (strcmp(name, "--list") == 0)
            puts(engines[i]->name);
        else if (strcmp(name, engines[i]->name) == 0)
            return serve(engines[i]);
    }
    if (strcmp(name, "--list") == 0)
        return 0;
    fprintf(stderr, "contender: '%s' is not built; `contender --list` names what is\n", name);
    return 69;
}
