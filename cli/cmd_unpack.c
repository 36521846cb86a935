#include <stdlib.h>

#include <lop/exchange.h>
#include <lop/pack.h>

#include "commands.h"
#include "packed_file.h"
#include "session.h"

typedef struct values {
    common common; /* first */
    const char *output;
    bool overwrite;
} values;

static const option unpack_options[] = {
    {.name = "output",
     .letter = 'o',
     .required = true,
     .kind = OPTION_TEXT,
     .offer = OFFER_FILES,
     .offset = offsetof(values, output),
     .argument = "FILE",
     .help = "where the network goes"},
    {.name = "overwrite",
     .letter = 'f',
     .kind = OPTION_FLAG,
     .offset = offsetof(values, overwrite),
     .help = "overwrite the output"},
    {0},
};

static const option_group groups[] = {{"Options", unpack_options}, {0}};

static const example examples[] = {
    {"lop unpack net.lop -o net.safetensors", "for other tools, or to train on"},
    {0},
};

static lop_status run(session *s, void *given, lop_error *error)
{
    const values *v = given;
    const char *path = v->common.arguments[0];
    char output[512], input[512];
    packed_file file = {0};
    lop_network *network = NULL;
    lop_status status = packed_file_open(&file, path, error);
    if (status == LOP_OK) {
        status = lop_unpack(&network, file.packed, error);
        if (status != LOP_OK)
            blame(error, path);
    }
    if (status == LOP_OK)
        status = lop_network_save(network, v->output, NULL, v->overwrite, error);
    if (status == LOP_OK)
        packed_file_say_speed(&file, s);
    if (status == LOP_OK)
        say_next(s, "lop verify %s %s", quoted(path, input, sizeof input),
                 quoted(v->output, output, sizeof output));
    lop_network_free(network);
    packed_file_free(&file);
    return status;
}

const command command_unpack = {
    .name = "unpack",
    .summary = "make a packed network a plain one again",
    .synopsis = "FILE -o FILE [OPTIONS]",
    .description = "Write the weights of a packed network as float32, with masks of what is left. "
                   "Values that were rounded when it was packed stay so; units that had no part in "
                   "the result are gone. Packing it again the same way gives the same file.\n",
    .groups = groups,
    .examples = examples,
    .offer = OFFER_FILES,
    .least = 1,
    .most = 1,
    .values_size = sizeof(values),
    .run = run,
};
