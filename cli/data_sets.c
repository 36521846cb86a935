#include "data_sets.h"

#include "place.h"

lop_status data_told(lop_status status, lop_error *error)
{
    if (status != LOP_E_ARG || place_of_data())
        return status;
    return usage_error(error, LOP_E_CREATE,
                       "expected a directory to keep data in, found neither LOP_DATA nor HOME set; "
                       "set LOP_DATA");
}

lop_status data_open(lop_dataset **out, session *s, const data_named *named, lop_error *error)
{
    lop_hooks hooks = session_hooks(s);
    const lop_data_options options = {.cache_dir = place_of_data(),
                                      .label_column = named->label_column,
                                      .offline = named->at_hand,
                                      .hooks = &hooks};
    return data_told(lop_dataset_open(out, named->name, &options, error), error);
}
