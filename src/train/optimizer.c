#include "train/optimizer.h"

#include <math.h>
#include <string.h>

#include "base/wide.h"
#include "nn/bf16.h"

/* Elements a thread takes at once: small enough to balance, large enough to be worth waking for. */
enum { CHUNK = 1 << 14 };

/* Masked weights in a row, from a multiple of it on, that are passed over together: they and their
 * moments are zero already and stay so. */
enum { BLOCK = 16 };

/* Weights that are updated before their copies in bf16 are made: 16 KiB with all that belongs to
 * them. */
enum { PIECE = 1 << 10 };

/* What one call of a kernel works on: `count` elements of a parameter. */
typedef struct span {
    float *restrict value;
    const float *restrict gradient;
    float *restrict first;
    float *restrict second;
    const uint8_t *restrict mask;
    uint16_t *restrict half;
    size_t count;
} span;

/* Selections below work on bits: integer comparisons raise no floating-point exceptions, which is
 * what compilers ask of a loop before they make it one of vector instructions. */
static LOPI_INLINE uint32_t bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static LOPI_INLINE float float_of(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* x, or +0 where `bits` is 0 instead of all ones. */
static LOPI_INLINE float only(uint32_t bits, float x) { return float_of(bits & bits_of(x)); }

static LOPI_INLINE uint32_t all_if(bool condition) { return condition ? UINT32_MAX : 0; }

/*
 * Moments of inputs that rarely fire fade into subnormal numbers, which many CPUs add and multiply
 * a hundred times slower; such a moment moves no weight, so it counts as zero.
 */
static LOPI_INLINE float settle(float x) { return only(all_if(bits_of(x) & 0x7F800000u), x); }

/* The gradient of the loss and of its penalties, l1 · sign(w) among them. */
static LOPI_INLINE float penalized(const lopi_update *u, float gradient, float w)
{
    float sign = only(all_if(bits_of(w) & 0x7FFFFFFFu), copysignf(u->l1, w));
    return gradient + u->decay * w + sign;
}

/*
 * Kingma and Ba, "Adam", ICLR 2015, algorithm 1, with both corrections folded into scalars; decay
 * as Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019, algorithm 2.
 * The loops have no branch: selections become vector operations.
 */
static LOPI_INLINE void adam_loop(const lopi_update *update, const span *s)
{
    const lopi_update u = *update;
    float *restrict value = s->value, *restrict first = s->first, *restrict second = s->second;
    const float *restrict gradient = s->gradient;
#pragma omp simd
    for (size_t i = 0; i < s->count; i++) {
        float w = value[i], g = penalized(&u, gradient[i], w);
        float m = settle(u.beta1 * first[i] + (1.0f - u.beta1) * g);
        float v = settle(u.beta2 * second[i] + (1.0f - u.beta2) * (g * g));
        value[i] = u.shrink * w - u.rate * m / (sqrtf(v) * u.root_scale + u.epsilon);
        first[i] = m;
        second[i] = v;
    }
}

/* Sutskever et al., "On the importance of initialization and momentum", ICML 2013, as PyTorch has
 * it: the rate stands outside the moment. */
static LOPI_INLINE void sgd_loop(const lopi_update *update, const span *s)
{
    const lopi_update u = *update;
    float *restrict value = s->value, *restrict first = s->first;
    const float *restrict gradient = s->gradient;
    /* Nesterov looks one step ahead: g + momentum · m, where plain momentum takes m. */
    const float now = u.nesterov ? 1.0f : 0.0f, past = u.nesterov ? u.beta1 : 1.0f;
#pragma omp simd
    for (size_t i = 0; i < s->count; i++) {
        float w = value[i], g = penalized(&u, gradient[i], w);
        float m = settle(u.beta1 * first[i] + g);
        value[i] = w - u.rate * (now * g + past * m);
        first[i] = m;
    }
}

static LOPI_INLINE float *advanced(float *values, size_t by) { return values ? values + by : NULL; }

static LOPI_INLINE span part_of(const span *s, size_t begin, size_t count)
{
    return (span){
        .value = s->value + begin,
        .gradient = s->gradient + begin,
        .first = s->first + begin,
        .second = advanced(s->second, begin),
        .mask = s->mask ? s->mask + begin : NULL,
        .half = s->half ? s->half + begin : NULL,
        .count = count,
    };
}

/* Whether all weights of the block that begins at `begin` are masked. */
static LOPI_INLINE bool is_empty(const span *s, size_t begin)
{
    uint64_t kept[BLOCK / sizeof(uint64_t)] = {0};
    if (s->count - begin < BLOCK)
        memcpy(kept, s->mask + begin, s->count - begin);
    else
        memcpy(kept, s->mask + begin, BLOCK);
    return (kept[0] | kept[1]) == 0;
}

/* Zero what is masked, by masks that are all ones or 0. */
static LOPI_INLINE void keep(float *restrict values, const uint32_t *restrict kept, size_t count)
{
    for (size_t i = 0; i < count; i++)
        values[i] = only(kept[i], values[i]);
}

static LOPI_INLINE void apply_mask(const span *s)
{
    uint32_t kept[PIECE];
    for (size_t i = 0; i < s->count; i++)
        kept[i] = all_if(s->mask[i]);
    keep(s->value, kept, s->count);
    keep(s->first, kept, s->count);
    if (s->second)
        keep(s->second, kept, s->count);
}

/* A loop of at most a piece, its masks, and the copies in bf16. Each has loops of its own, over
 * what is in the nearest cache still: where types of several widths meet, compilers take vectors
 * that only the narrowest fills, and masks within the loop made it slower by a fifth. */
typedef void update_loop(const lopi_update *update, const span *s);

static LOPI_INLINE void run(update_loop *loop, const lopi_update *u, const span *s, bool masked,
                            bool halved)
{
    loop(u, s);
    if (masked)
        apply_mask(s);
    if (!halved || !s->half)
        return;
    const float *restrict value = s->value;
    uint16_t *restrict half = s->half;
    for (size_t i = 0; i < s->count; i++)
        half[i] = lopi_bf16_from_float(value[i]);
}

/* All weights, in pieces that stay in the nearest cache from one loop to the next. */
static LOPI_INLINE void over_all(update_loop *loop, const lopi_update *u, const span *s,
                                 bool halved)
{
    for (size_t begin = 0; begin < s->count; begin += PIECE) {
        size_t left = s->count - begin;
        const span piece = part_of(s, begin, left < PIECE ? left : PIECE);
        run(loop, u, &piece, false, halved);
    }
}

/* What is kept, stretch by stretch: with next to nothing left, a step costs next to nothing. */
static LOPI_INLINE void over_kept(update_loop *loop, const lopi_update *u, const span *s,
                                  bool halved)
{
    for (size_t begin = 0, end; begin < s->count; begin = end) {
        for (end = begin; end < s->count && end - begin < PIECE && !is_empty(s, end);)
            end += BLOCK;
        if (end == begin) {
            end += BLOCK;
            continue;
        }
        const span stretch = part_of(s, begin, (end < s->count ? end : s->count) - begin);
        run(loop, u, &stretch, true, halved);
    }
}

LOPI_WIDE static void adam_plain(const lopi_update *u, const span *s)
{
    over_all(adam_loop, u, s, false);
}

LOPI_WIDE static void adam_halved(const lopi_update *u, const span *s)
{
    over_all(adam_loop, u, s, true);
}

LOPI_WIDE static void adam_masked(const lopi_update *u, const span *s)
{
    over_kept(adam_loop, u, s, false);
}

LOPI_WIDE static void adam_masked_halved(const lopi_update *u, const span *s)
{
    over_kept(adam_loop, u, s, true);
}

LOPI_WIDE static void sgd_plain(const lopi_update *u, const span *s)
{
    over_all(sgd_loop, u, s, false);
}

LOPI_WIDE static void sgd_halved(const lopi_update *u, const span *s)
{
    over_all(sgd_loop, u, s, true);
}

LOPI_WIDE static void sgd_masked(const lopi_update *u, const span *s)
{
    over_kept(sgd_loop, u, s, false);
}

LOPI_WIDE static void sgd_masked_halved(const lopi_update *u, const span *s)
{
    over_kept(sgd_loop, u, s, true);
}

static const struct {
    const char *name;
    size_t moments;
    bool corrected; /* for moments that start at zero */
    bool decoupled; /* decay shrinks the weight and stays out of the gradient */
    void (*run[2][2])(const lopi_update *update, const span *s); /* [masked][halved] */
} optimizers[] = {
    [LOP_OPTIMIZER_ADAMW] =
        {"adamw", 2, true, true, {{adam_plain, adam_halved}, {adam_masked, adam_masked_halved}}},
    [LOP_OPTIMIZER_ADAM] =
        {"adam", 2, true, false, {{adam_plain, adam_halved}, {adam_masked, adam_masked_halved}}},
    [LOP_OPTIMIZER_SGD] =
        {"sgd", 1, false, false, {{sgd_plain, sgd_halved}, {sgd_masked, sgd_masked_halved}}},
};

const char *lop_optimizer_name(size_t index)
{
    return index < sizeof optimizers / sizeof *optimizers ? optimizers[index].name : NULL;
}

size_t lopi_optimizer_moments(lop_optimizer optimizer) { return optimizers[optimizer].moments; }

lopi_update lopi_update_new(const lop_train_options *options, double rate, size_t step)
{
    double t = (double)step + 1.0, decay = options->weight_decay;
    bool corrected = optimizers[options->optimizer].corrected;
    bool decoupled = optimizers[options->optimizer].decoupled;
    double first = corrected ? 1.0 - pow(options->momentum, t) : 1.0;
    double second = corrected ? 1.0 - pow(options->beta2, t) : 1.0;
    return (lopi_update){
        .optimizer = options->optimizer,
        .nesterov = options->nesterov,
        .rate = (float)(rate / first),
        .shrink = (float)(decoupled ? 1.0 - rate * decay : 1.0),
        .decay = (float)(decoupled ? 0.0 : decay),
        .l1 = (float)options->l1,
        .beta1 = (float)options->momentum,
        .beta2 = (float)options->beta2,
        .root_scale = (float)(1.0 / sqrt(second)),
        .epsilon = (float)options->epsilon,
    };
}

void lopi_update_apply(const lopi_update *update, const lopi_parameter *parameter)
{
    lopi_update u = *update;
    if (!parameter->decays) {
        u.shrink = 1.0f;
        u.decay = u.l1 = 0.0f;
    }
    const uint8_t *mask = parameter->mask;
    uint16_t *half = parameter->half;
    size_t count = parameter->count, chunks = (count + CHUNK - 1) / CHUNK;
#pragma omp parallel for schedule(static) if (chunks > 1)
    for (size_t chunk = 0; chunk < chunks; chunk++) {
        size_t begin = chunk * CHUNK;
        span s = {
            .value = parameter->value + begin,
            .gradient = parameter->gradient + begin,
            .first = parameter->moment[0] + begin,
            .second = advanced(parameter->moment[1], begin),
            .mask = mask ? mask + begin : NULL,
            .half = half ? half + begin : NULL,
            .count = count - begin < CHUNK ? count - begin : CHUNK,
        };
        optimizers[u.optimizer].run[mask != NULL][half != NULL](&u, &s);
    }
}

static void clear_masked(float *restrict values, const uint8_t *restrict mask, size_t count)
{
#pragma omp parallel for simd schedule(static) if (count > CHUNK)
    for (size_t i = 0; i < count; i++)
        values[i] = only(all_if(mask[i]), values[i]);
}

void lopi_parameter_prune(const lopi_parameter *parameter)
{
    if (!parameter->mask)
        return;
    clear_masked(parameter->value, parameter->mask, parameter->count);
    for (size_t j = 0; j < LOPI_MAX_MOMENTS; j++)
        if (parameter->moment[j])
            clear_masked(parameter->moment[j], parameter->mask, parameter->count);
}
