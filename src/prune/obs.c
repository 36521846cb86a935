/*
 * Optimal brain surgeon for sets of weights (Hassibi and Stork 1993; Kurtic et al. 2022).
 *
 * A weight's score is what removing it costs, w_q² / (2 [H⁻¹]_qq). Weights go in rounds; after
 * each, the rows that lost some have those that stay (K) set to the exact minimum of the layer's
 * squared error for the set that went (P): w_K = H_KK⁻¹ (H w)_K with w the weights before pruning,
 * which is w_K − H⁻¹_KP (H⁻¹_PP)⁻¹ w_P, whichever is the smaller system.
 */
#include "prune/solve.h"

#include <math.h>
#include <omp.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "prune/linear.h"
#include "prune/select.h"

enum { ROUNDS = 4 };

typedef struct surgery {
    const lopi_problem *problem;
    size_t rows, inputs;
    double *inverse; /* [inputs][inputs]: H⁻¹ */
    double *before;  /* [rows][inputs]: weights before pruning */
    double *product; /* [rows][inputs]: … times H */
    double *now;     /* [rows][inputs]: weights as they are */
    size_t threads;
    size_t largest;  /* unknowns of a row's system */
    double *system;  /* [threads][largest][largest] */
    double *unknown; /* [threads][inputs] */
    size_t *place;   /* [threads][inputs] */
} surgery;

static lop_status begin(surgery *s, lop_error *error)
{
    const lopi_problem *problem = s->problem;
    size_t n = s->inputs = problem->layer->inputs, square = 0, all = 0;
    s->rows = problem->layer->outputs;
    s->threads = (size_t)omp_get_max_threads();
    s->largest = n / 2;
    if (lopi_multiply(n, n, &square) && lopi_multiply(s->largest * s->largest, s->threads, &all)) {
        s->inverse = lopi_alloc_aligned(square, sizeof(double));
        s->system = lopi_alloc_aligned(all + 1, sizeof(double));
        s->before = lopi_alloc_aligned(s->rows * n, sizeof(double));
        s->product = lopi_alloc_aligned(s->rows * n, sizeof(double));
        s->now = lopi_alloc_aligned(s->rows * n, sizeof(double));
        s->unknown = lopi_alloc_aligned(s->threads * n, sizeof(double));
        s->place = lopi_alloc_aligned(s->threads * n, sizeof(size_t));
    }
    if (!s->inverse || !s->system || !s->before || !s->product || !s->now || !s->unknown ||
        !s->place)
        return lopi_fail(error, LOP_E_MEMORY, "out of memory for the Hessian of layer '%s'",
                         problem->layer->name);
    memcpy(s->inverse, problem->hessian, square * sizeof(double));
    if (!lopi_invert(s->inverse, n))
        return lopi_not_positive(problem, error);
    for (size_t i = 0; i < s->rows * n; i++)
        s->now[i] = s->before[i] = (double)problem->layer->weight[i];
    const lopi_gemm gemm = {.rows = s->rows, .inner = n, .columns = n, .scale = 1};
    lopi_gemm_run(&gemm, (lopi_rows){s->product, n}, (lopi_rows){s->before, n},
                  (lopi_rows){problem->hessian, n});
    return LOP_OK;
}

static void end(surgery *s)
{
    lopi_free(s->inverse);
    lopi_free(s->before);
    lopi_free(s->product);
    lopi_free(s->now);
    lopi_free(s->system);
    lopi_free(s->unknown);
    lopi_free(s->place);
}

/* The rows and columns `place` [count] of a matrix. */
static void gather(const double *from, size_t n, const size_t *place, size_t count, double *to)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++)
            to[i * count + j] = from[place[i] * n + place[j]];
    }
}

/* Set what stays of a row anew; its silent inputs are apart from all others, and stay. */
static bool solve_row(const surgery *s, size_t row)
{
    size_t n = s->inputs, thread = (size_t)omp_get_thread_num(), went = 0, stays = 0;
    const uint8_t *remove = s->problem->remove + row * n, *silent = s->problem->silent;
    const double *before = s->before + row * n;
    double *now = s->now + row * n, *unknown = s->unknown + thread * n;
    double *system = s->system + thread * s->largest * s->largest;
    size_t *place = s->place + thread * n;
    bool lost = false;
    for (size_t i = 0; i < n; i++) {
        lost |= remove[i] && !silent[i] && before[i] != 0;
        went += remove[i] && !silent[i];
        stays += !remove[i] && !silent[i];
        now[i] = remove[i] ? 0 : before[i];
    }
    if (!lost || stays == 0)
        return true;

    bool few = stays <= went; /* solve for those that stay, or for those that went */
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        if (!silent[i] && remove[i] == !few)
            place[count++] = i;
    }
    gather(few ? s->problem->hessian : s->inverse, n, place, count, system);
    for (size_t i = 0; i < count; i++)
        unknown[i] = few ? s->product[row * n + place[i]] : before[place[i]];
    if (!lopi_solve(system, count, unknown))
        return false;
    for (size_t i = 0; i < count && few; i++)
        now[place[i]] = unknown[i];
    for (size_t i = 0; i < n && !few; i++) {
        double push = 0;
        for (size_t j = 0; j < count; j++)
            push += s->inverse[i * n + place[j]] * unknown[j];
        if (!remove[i] && !silent[i])
            now[i] -= push;
    }
    return true;
}

/* Remove up to `wanted` weights by their scores as they are, and solve. */
static lop_status operate(surgery *s, size_t wanted, lop_error *error)
{
    const lopi_problem *problem = s->problem;
    size_t n = s->inputs, failed = 0;
    for (size_t i = 0; i < s->rows * n; i++) {
        double score = s->now[i] * s->now[i] / (2 * s->inverse[i % n * (n + 1)]);
        if (!isfinite(score))
            return lopi_not_positive(problem, error);
        problem->key[i] = problem->remove[i] && !problem->silent[i % n]
                              ? LOPI_KEY_FIRST
                              : lopi_problem_key(problem, i, score);
    }
    lopi_choose(&problem->contest, problem->key, wanted, problem->remove);
    for (size_t i = 0; i < s->rows * n; i++)
        problem->remove[i] |= problem->removed[i];
#pragma omp parallel for schedule(dynamic, 8) reduction(+ : failed)
    for (size_t row = 0; row < s->rows; row++)
        failed += !solve_row(s, row);
    return failed ? lopi_not_positive(problem, error) : LOP_OK;
}

/*
 * Weights to be gone after round r of ROUNDS: density falls by the same factor each time. In N:M
 * each group loses one more in each round.
 */
static size_t goal(const lopi_problem *problem, size_t rounds, size_t r)
{
    size_t items = problem->contest.items;
    if (r == rounds)
        return problem->wanted;
    if (problem->contest.group)
        return problem->wanted / rounds * r;
    double kept = (double)(items - problem->wanted) / (double)items;
    return (size_t)((double)items * (1 - pow(kept, (double)r / (double)rounds)));
}

lop_status lopi_solve_obs(const lopi_problem *problem, lop_error *error)
{
    surgery s = {.problem = problem};
    size_t count = problem->contest.items;
    size_t groups = problem->contest.group ? count / problem->contest.group : 0;
    size_t rounds = groups ? problem->wanted / groups : ROUNDS;
    memcpy(problem->remove, problem->removed, count);
    lop_status status = begin(&s, error);
    for (size_t r = 1; r <= rounds && status == LOP_OK; r++)
        status = operate(&s, goal(problem, rounds, r), error);
    for (size_t i = 0; i < count && status == LOP_OK; i++)
        problem->layer->weight[i] = (float)s.now[i];
    end(&s);
    return status;
}
