/*
 * SparseGPT (Frantar and Alistarh 2023): one sweep over the columns from left to right.
 *
 * With U upper and H⁻¹ = Uᵀ U, a weight's score is w² / U_jj²; when column j has lost weights, its
 * errors (w − new w) / U_jj, one a row, are pushed onto the columns behind it along row j of U. The
 * choice is made for a span of columns at a time, with the weights as they are when the sweep
 * arrives:
 *
 *        done         span        later
 *     |.........|  choose, then |.........|   within the span errors are pushed column by column,
 *     |.........|  push         |.........|   and onto what is later once for the whole span
 */
#include "prune/solve.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "prune/linear.h"
#include "prune/select.h"

enum { SPAN = 128 }; /* columns; in N:M it is M */

typedef struct sweep {
    const lopi_problem *problem;
    size_t rows, inputs, span;
    double *factor;    /* [inputs][inputs]: U above and on the diagonal */
    double *weight;    /* [rows][inputs] */
    double *errors;    /* [rows][span] */
    uint8_t *chosen;   /* [rows · span] */
    size_t early;      /* weights that go first: removed before, or silent */
    size_t choice;     /* weights to choose among the others */
    size_t chosen_yet; /* of them */
    size_t seen;       /* others in the spans so far */
} sweep;

static lop_status begin(sweep *s, lop_error *error)
{
    const lopi_problem *problem = s->problem;
    size_t n = s->inputs = problem->layer->inputs;
    s->rows = problem->layer->outputs;
    s->span = problem->contest.group ? problem->contest.group : SPAN;
    s->factor = problem->hessian;
    s->weight = lopi_alloc_aligned(s->rows * n, sizeof(double));
    s->errors = lopi_alloc_aligned(s->rows * s->span, sizeof(double));
    s->chosen = lopi_alloc(s->rows * s->span, sizeof *s->chosen);
    if (!s->weight || !s->errors || !s->chosen)
        return lopi_fail_memory(error, s->rows * (n + s->span) * sizeof(double));
    if (!lopi_invert(s->factor, n) || !lopi_cholesky(s->factor, n))
        return lopi_not_positive(problem, error);
    for (size_t i = 0; i < s->rows * n; i++) {
        s->weight[i] = (double)problem->layer->weight[i];
        s->early += problem->removed[i] || problem->silent[i % n];
    }
    s->choice = problem->wanted > s->early ? problem->wanted - s->early : 0;
    return LOP_OK;
}

static void end(sweep *s)
{
    lopi_free(s->weight);
    lopi_free(s->errors);
    lopi_free(s->chosen);
}

/*
 * Choose in columns first … first + width − 1. Of the weights to choose in all, a span takes its
 * share of what there is to choose from, so that the sum is exact.
 */
static lop_status choose_span(sweep *s, size_t first, size_t width, lop_error *error)
{
    const lopi_problem *problem = s->problem;
    size_t n = s->inputs, early = 0, cells = s->rows * width;
    for (size_t c = 0; c < cells; c++) {
        size_t column = first + c % width, i = c / width * n + column;
        double scaled = s->weight[i] / s->factor[column * (n + 1)];
        if (!isfinite(scaled * scaled))
            return lopi_not_positive(problem, error);
        problem->key[c] = lopi_problem_key(problem, i, scaled * scaled);
        early += problem->key[c] <= LOPI_KEY_SECOND;
    }
    size_t wanted;
    lopi_contest contest = {.items = cells, .group = problem->contest.group};
    if (contest.group) {
        wanted = lopi_portion(problem->wanted, width, n);
    } else {
        s->seen += cells - early;
        size_t others = s->rows * n - s->early;
        size_t due = others ? lopi_portion(s->choice, s->seen, others) : 0;
        wanted = early + due - s->chosen_yet;
        s->chosen_yet = due;
    }
    lopi_choose(&contest, problem->key, wanted, s->chosen);
    return LOP_OK;
}

/* Zero what was chosen in one row of the span, from left to right, and push the errors on. */
static void sweep_row(const sweep *s, size_t row, size_t first, size_t width)
{
    size_t n = s->inputs;
    double *weight = s->weight + row * n, *errors = s->errors + row * width;
    for (size_t c = 0; c < width; c++) {
        size_t column = first + c, i = row * n + column;
        const double *factor = s->factor + column * n;
        bool goes = s->chosen[row * width + c] || s->problem->removed[i];
        s->problem->remove[i] = s->chosen[row * width + c];
        errors[c] = goes ? weight[column] / factor[column] : 0;
        if (!goes)
            continue;
        for (size_t later = column + 1; later < first + width; later++)
            weight[later] -= errors[c] * factor[later];
        weight[column] = 0;
    }
}

lop_status lopi_solve_sparsegpt(const lopi_problem *problem, lop_error *error)
{
    sweep s = {.problem = problem};
    size_t n = problem->layer->inputs, count = problem->contest.items;
    if (!problem->contest.group) {
        /* Where what goes first is enough, nothing is chosen by score. */
        size_t early = 0;
        for (size_t i = 0; i < count; i++) {
            problem->key[i] = lopi_problem_key(problem, i, 0);
            early += problem->key[i] <= LOPI_KEY_SECOND;
        }
        lopi_choose(&problem->contest, problem->key, problem->wanted, problem->remove);
        if (early >= problem->wanted)
            return LOP_OK;
    }
    lop_status status = begin(&s, error);
    for (size_t first = 0; first < n && status == LOP_OK; first += s.span) {
        size_t width = n - first < s.span ? n - first : s.span, later = first + width;
        status = choose_span(&s, first, width, error);
        if (status)
            break;
#pragma omp parallel for schedule(static)
        for (size_t row = 0; row < s.rows; row++)
            sweep_row(&s, row, first, width);
        const lopi_gemm push = {
            .rows = s.rows, .inner = width, .columns = n - later, .keep = 1, .scale = -1};
        if (later < n)
            lopi_gemm_run(&push, (lopi_rows){s.weight + later, n}, (lopi_rows){s.errors, width},
                          (lopi_rows){s.factor + first * n + later, n});
    }
    for (size_t i = 0; i < count && status == LOP_OK; i++)
        problem->layer->weight[i] = (float)s.weight[i];
    end(&s);
    return status;
}
