/* libFuzzer's side: the environment's LOP_READER names the row. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "reader.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t room); /* libFuzzer's */

static const fuzz_reader *reader;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    const char *name = getenv("LOP_READER");
    (void)argc, (void)argv;
    reader = fuzz_reader_find(name ? name : "");
    fuzz_begin();
    fuzz_thorough_one_in = 8;
    if (reader)
        return 0;
    fprintf(stderr, "fuzz: LOP_READER names no reader; there are");
    for (size_t i = 0; (reader = fuzz_reader_at(i)); i++)
        fprintf(stderr, " %s", reader->name);
    fputc('\n', stderr);
    exit(64);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    lop_error error = {0};
    /* Readers may rely on the zero byte behind, as lopi_file_read puts it. */
    uint8_t *copy = lopi_alloc(size + 1, 1);
    fuzz_expect(copy != NULL, "memory for the input");
    if (size > 0)
        memcpy(copy, data, size);
    const lopi_bytes content = {copy, size};
    lop_status status = reader->read(fuzz_file(copy, size), &content, &error);
    fuzz_expect(status == LOP_OK || error.text[0], "a status without a word");
    fuzz_expect(status == LOP_OK || error.code == status, "two statuses");
    fuzz_expect(!strchr(error.text, '\n'), "an error of two lines");
    lopi_free(copy);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed)
{
    size = LLVMFuzzerMutate(data, size, room);
    return reader->repair && seed % 8 != 0 ? reader->repair(data, size, room) : size;
}
