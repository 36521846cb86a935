#include "data_sets.h"

#include <stddef.h>

#include "place.h"

const option data_limit_options[] = {
    {.name = "max-data-bytes",
     .kind = OPTION_COUNT,
     .offset = offsetof(common, max_data_bytes),
     .least = 1,
     .argument = "N",
     .preset = "4294967296",
     .help = "refuse files with more bytes of data, or of values"},
    {0},
};

lop_status data_told(lop_status status, lop_error *error)
{
    if (status != LOP_E_ARG || place_of_data())
        return status;
    return usage_error(error, LOP_E_CREATE,
                       "expected a directory to keep data in, found neither LOP_DATA nor HOME set; "
                       "set LOP_DATA");
}

bool data_unknown(lop_status status)
{
    return status == LOP_E_MEMORY || status == LOP_E_IO || status == LOP_E_FULL;
}

lop_status data_open(lop_dataset **out, session *s, const data_named *named, lop_error *error)
{
    lop_hooks hooks = session_hooks(s);
    const lop_data_options options = {.cache_dir = place_of_data(),
                                      .label_column = named->label_column,
                                      .offline = named->at_hand,
                                      .max_bytes = s->common.max_data_bytes,
                                      .hooks = &hooks};
    return data_told(lop_dataset_open(out, named->name, &options, error), error);
}
