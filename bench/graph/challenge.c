/*
 * graph_challenge [--threads N] [--check IMAGES [--save FILE]] [--only METHOD] [--made] [--json]
 * SIZE…
 *
 * The Sparse DNN Graph Challenge, see graph.h. SIZE is NEURONSxLAYERS or NEURONSxLAYERS:IMAGES;
 * without images, all 60,000. Each method runs in a process of its own, one after the other, and
 * prints one line: seconds, connections a second (images · neurons · 32 · layers over seconds,
 * whatever was left out along the way), that over SuiteSparse:GraphBLAS, the process's memory, and
 * the images in the category. Ends with 1 where methods do not find the same categories.
 *
 * --check N also compares the last layer's values of N images, bit for bit, with the plain
 * program's.
 * --made uses made-up images: no data set is needed.
 */
#include "graph.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <lop/lop.h>

static const graph_method methods[] = {
#ifdef GRAPH_HAVE_GRAPHBLAS
    {"graphblas", "SuiteSparse:GraphBLAS", 0, graph_run_graphblas},
#endif
    {"tiles", "every connection, tile by tile", 0, graph_run_tiles},
    {"classes", "neurons with equal inputs once", 0, graph_run_classes},
    {"finished", "and tiles left when finished", 0, graph_run_finished},
    {"scalar", "the plain program, float32", 500, graph_run_scalar},
    {"double", "the plain program, float64", 500, graph_run_double},
};

enum { METHODS = sizeof methods / sizeof *methods, USAGE = 64 };

typedef struct settings {
    size_t threads, check;
    const char *only, *save;
    bool made, json;
} settings;

typedef struct size_wanted {
    uint32_t neurons, layers;
    size_t images;
} size_wanted;

/* One method's answer and what its process took. */
typedef struct outcome {
    const graph_method *method;
    graph_answer *answer; /* shared memory */
    size_t images;
    size_t memory_bytes;
    double cpu_seconds;
    bool ran;
} outcome;

static bool read_number(const char *text, size_t most, size_t *value, char **end)
{
    unsigned long number = strtoul(text, end, 10);
    *value = number;
    return *end != text && *text != '-' && number > 0 && number <= most;
}

static bool read_size(const char *text, size_wanted *size)
{
    size_t neurons = 0, layers = 0;
    char *end = NULL;
    size->images = 0;
    if (!read_number(text, GRAPH_MAX_NEURONS, &neurons, &end) || *end != 'x' ||
        !read_number(end + 1, 10000, &layers, &end))
        return false;
    size->neurons = (uint32_t)neurons;
    size->layers = (uint32_t)layers;
    if (*end == ':')
        return read_number(end + 1, 60000, &size->images, &end) && !*end;
    return !*end;
}

static graph_answer *answer_new(size_t images, size_t values)
{
    size_t bytes = sizeof(graph_answer) + values * sizeof(float) + images;
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return NULL;
    graph_answer *answer = memory;
    answer->values = values ? (float *)(void *)(answer + 1) : NULL;
    answer->category = (uint8_t *)(answer + 1) + values * sizeof(float);
    return answer;
}

static double seconds_of(struct timeval t) { return (double)t.tv_sec + 1e-6 * (double)t.tv_usec; }

static bool run_apart(outcome *o, const graph_network *network, const graph_inputs *inputs,
                      const settings *s, bool with_values)
{
    graph_inputs mine = *inputs;
    if (o->method->most && mine.count > o->method->most)
        mine.count = o->method->most;
    if (with_values && mine.count > s->check)
        mine.count = s->check;
    o->images = mine.count;
    o->answer = answer_new(mine.count, with_values ? mine.count * mine.neurons : 0);
    if (!o->answer)
        return false;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        o->method->run(network, &mine, s->threads, o->answer);
        _exit(0);
    }
    int status = 0;
    struct rusage usage;
    if (child < 0 || wait4(child, &status, 0, &usage) != child)
        return false;
    o->memory_bytes = (size_t)usage.ru_maxrss * 1024;
    o->cpu_seconds = seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
    o->ran = WIFEXITED(status) && WEXITSTATUS(status) == 0 && !o->answer->failure[0];
    if (!o->ran)
        fprintf(stderr, "graph_challenge: %s: %s\n", o->method->name,
                o->answer->failure[0] ? o->answer->failure : "it ended before its time");
    return o->ran;
}

/* Images of which two answers differ, of those that both looked at. */
static size_t differences(const outcome *a, const outcome *b)
{
    size_t images = a->images < b->images ? a->images : b->images, different = 0;
    for (size_t i = 0; i < images; i++)
        different += a->answer->category[i] != b->answer->category[i];
    return different;
}

static double rate(const outcome *o, const graph_network *network)
{
    return (double)o->images * network->neurons * GRAPH_FAN_IN * network->layers /
           o->answer->run_seconds;
}

static void print_outcome(const outcome *o, const outcome *peer, const graph_network *network,
                          const settings *s)
{
    size_t live = 0;
    for (size_t i = 0; i < o->images; i++)
        live += o->answer->category[i];
    double faster = peer ? rate(o, network) / rate(peer, network) : 0;
    if (s->json)
        printf("{\"neurons\": %u, \"layers\": %u, \"images\": %zu, \"method\": \"%s\", "
               "\"threads\": %zu, \"prepare_seconds\": %.6f, \"run_seconds\": %.6f, "
               "\"cpu_seconds\": %.6f, "
               "\"connections_per_second\": %.6g, \"over_graphblas\": %.4g, "
               "\"memory_bytes\": %zu, \"in_category\": %zu}\n",
               network->neurons, network->layers, o->images, o->method->name, s->threads,
               o->answer->prepare_seconds, o->answer->run_seconds, o->cpu_seconds, rate(o, network),
               faster, o->memory_bytes, live);
    else
        printf("| %u × %u | %zu | %s | %.2f | %.3f | %.2f | %.1f | %.1f | %zu | %zu |\n",
               network->neurons, network->layers, o->images, o->method->description,
               o->answer->prepare_seconds, o->answer->run_seconds, o->cpu_seconds,
               rate(o, network) / 1e9, faster, o->memory_bytes >> 20, live);
}

static bool is_wanted(const settings *s, const graph_method *method)
{
    return !s->only || strcmp(s->only, method->name) == 0;
}

static bool save_values(const outcome *plain, const graph_inputs *inputs, const char *path)
{
    FILE *file = fopen(path, "wb");
    size_t bits = plain->images * inputs->neurons / 8, values = plain->images * inputs->neurons;
    bool fine = file && fwrite(inputs->bits, 1, bits, file) == bits &&
                fwrite(plain->answer->values, sizeof(float), values, file) == values;
    fine = file && fclose(file) == 0 && fine;
    if (!fine)
        fprintf(stderr, "graph_challenge: %s: cannot be written\n", path);
    return fine;
}

/* The last layer's values, bit for bit, in all methods that give them. */
static bool check_values(const graph_network *network, const graph_inputs *inputs,
                         const settings *s)
{
    outcome plain = {0}, other = {0};
    bool same = true;
    for (size_t m = 0; m < METHODS; m++)
        if (methods[m].run == graph_run_scalar)
            plain.method = &methods[m];
    if (!run_apart(&plain, network, inputs, s, true) ||
        (s->save && !save_values(&plain, inputs, s->save)))
        return false;
    for (size_t m = 0; m < METHODS; m++) {
        other.method = &methods[m];
        if (strcmp(other.method->name, "graphblas") == 0 || other.method->run == graph_run_double ||
            other.method == plain.method)
            continue;
        if (!run_apart(&other, network, inputs, s, true))
            return false;
        size_t bytes = plain.images * network->neurons * sizeof(float);
        bool agrees = memcmp(plain.answer->values, other.answer->values, bytes) == 0;
        fprintf(stderr, "graph_challenge: %u × %u: %s: values of %zu images are %s\n",
                network->neurons, network->layers, other.method->name, plain.images,
                agrees ? "the plain program's, to the bit" : "NOT the plain program's");
        same &= agrees;
    }
    return same;
}

static bool run_all(const graph_network *network, const graph_inputs *inputs, const settings *s)
{
    outcome outcomes[METHODS] = {0};
    const outcome *peer = NULL, *first = NULL;
    bool fine = true;
    for (size_t m = 0; m < METHODS; m++) {
        outcome *o = &outcomes[m];
        o->method = &methods[m];
        if (!is_wanted(s, o->method))
            continue;
        if (!run_apart(o, network, inputs, s, false)) {
            fine = false;
            continue;
        }
        if (strcmp(o->method->name, "graphblas") == 0)
            peer = o;
        print_outcome(o, peer, network, s);
        first = first ? first : o;
        size_t different = differences(first, o);
        if (different) {
            fprintf(stderr, "graph_challenge: %s and %s differ in the category of %zu images\n",
                    first->method->name, o->method->name, different);
            fine = false;
        }
    }
    return fine;
}

static bool run_size(const size_wanted *size, const settings *s)
{
    graph_network network = {0};
    graph_inputs inputs = {0};
    lop_error error = {0};
    if (!graph_network_new(&network, size->neurons, size->layers)) {
        fprintf(stderr, "graph_challenge: there is no network of %u neurons, or no memory for it\n",
                size->neurons);
        return false;
    }
    bool fine;
    if (s->made)
        fine = graph_inputs_made(&inputs, size->neurons, size->images ? size->images : 1000);
    else
        fine = graph_inputs_mnist(&inputs, size->neurons, size->images, &error) == LOP_OK;
    if (!fine)
        fprintf(stderr, "graph_challenge: %s\n", error.text[0] ? error.text : "out of memory");
    fine = fine && (!s->check || check_values(&network, &inputs, s));
    fine = fine && run_all(&network, &inputs, s);
    graph_inputs_free(&inputs);
    graph_network_free(&network);
    return fine;
}

static int usage(void)
{
    fprintf(stderr, "usage: graph_challenge [--threads N] [--check IMAGES [--save FILE]] "
                    "[--only METHOD] [--made] [--json] NEURONSxLAYERS[:IMAGES]…\n");
    return USAGE;
}

static bool read_count(settings *s, const char *word, const char *text)
{
    char *end = NULL;
    bool threads = strcmp(word, "--threads") == 0;
    if (!threads && strcmp(word, "--check") != 0)
        return false;
    return read_number(text, threads ? 1024 : 60000, threads ? &s->threads : &s->check, &end) &&
           !*end;
}

/* The options; the index of the first word behind them, or 0 where one is wrong. */
static int read_options(settings *s, int count, char **words)
{
    int at = 1;
    for (; at < count && words[at][0] == '-'; at++) {
        const char *word = words[at], *value = at + 1 < count ? words[at + 1] : NULL;
        if (strcmp(word, "--json") == 0) {
            s->json = true;
            continue;
        }
        if (strcmp(word, "--made") == 0) {
            s->made = true;
            continue;
        }
        if (!value)
            return 0;
        if (strcmp(word, "--only") == 0)
            s->only = value;
        else if (strcmp(word, "--save") == 0)
            s->save = value;
        else if (!read_count(s, word, value))
            return 0;
        at++;
    }
    bool known = !s->only;
    for (size_t m = 0; m < METHODS && !known; m++)
        known = strcmp(s->only, methods[m].name) == 0;
    if (!known)
        fprintf(stderr, "graph_challenge: no method '%s' in this build\n", s->only);
    if (s->save && !s->check)
        fprintf(stderr, "graph_challenge: --save writes what --check looks at, and needs it\n");
    return known && (!s->save || s->check) && at < count ? at : 0;
}

int main(int count, char **words)
{
    settings s = {.threads = 1};
    size_wanted size;
    int first = read_options(&s, count, words);
    for (int at = first; at < count; at++)
        if (first == 0 || !read_size(words[at], &size))
            return usage();
    if (!s.json)
        printf("| network | images | method | prepare s | run s | CPU s | Gconnections/s | × "
               "GraphBLAS "
               "| MiB | in category |\n|---|---|---|---|---|---|---|---|---|---|\n");
    bool fine = true;
    for (int at = first; at < count; at++) {
        read_size(words[at], &size);
        fine &= run_size(&size, &s);
    }
    return fine ? 0 : 1;
}
