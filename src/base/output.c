#include <lop/output.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"

struct lop_output {
    lopi_output file;
};

lop_status lop_output_open(lop_output **out, const char *path, bool overwrite, lop_error *error)
{
    lop_output *output = lopi_alloc(1, sizeof *output);
    if (!output)
        return lopi_fail_memory(error, sizeof *output);
    lop_status status = lopi_output_open(&output->file, path, overwrite, error);
    if (status == LOP_OK)
        *out = output;
    else
        lopi_free(output);
    return status;
}

FILE *lop_output_stream(lop_output *output) { return output->file.stream; }

lop_status lop_output_commit(lop_output *output, lop_error *error)
{
    lop_status status = lopi_output_commit(&output->file, error);
    lopi_free(output);
    return status;
}

void lop_output_abandon(lop_output *output)
{
    if (output)
        lopi_output_abandon(&output->file);
    lopi_free(output);
}
