#include "train/checkpoint.h"

#include "base/error.h"

/* FNV-1a over 32-bit words (Fowler, Noll and Vo). */
static uint64_t hash_word(uint64_t hash, uint32_t word) { return (hash ^ word) * 0x100000001B3ull; }

static uint64_t hash_part(uint64_t hash, const lop_samples *samples, const uint32_t *indices,
                          size_t count)
{
    for (size_t i = 0; i < count; i++)
        hash = hash_word(hash_word(hash, indices[i]), samples->labels[indices[i]]);
    return hash_word(hash, (uint32_t)count);
}

uint64_t lopi_data_hash(const lop_samples *samples, const lop_split *split)
{
    uint64_t hash = hash_word(0xCBF29CE484222325ull, (uint32_t)samples->features);
    hash = hash_part(hash, samples, split->train, split->train_count);
    return hash_part(hash, samples, split->validation, split->validation_count);
}

lop_status lopi_checkpoint_save(const lopi_state *state, const lopi_identity *identity,
                                lop_error *error)
{
    (void)state, (void)identity;
    return lopi_fail(error, LOP_E_UNSUPPORTED, "checkpoints are not supported");
}

lop_status lopi_checkpoint_load(lopi_state *state, const lopi_identity *identity, lop_error *error)
{
    (void)state, (void)identity;
    return lopi_fail(error, LOP_E_UNSUPPORTED, "checkpoints are not supported");
}
