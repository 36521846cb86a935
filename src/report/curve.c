#include "report/curve.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"

static const size_t columns[LOPI_CURVE_COLUMNS] = {
    [LOPI_CURVE_SPARSITY] = offsetof(lop_epoch, sparsity),
    [LOPI_CURVE_TRAIN_LOSS] = offsetof(lop_epoch, train_loss),
    [LOPI_CURVE_TRAIN_ACCURACY] = offsetof(lop_epoch, train_accuracy),
    [LOPI_CURVE_VALID_LOSS] = offsetof(lop_epoch, validation_loss),
    [LOPI_CURVE_VALID_ACCURACY] = offsetof(lop_epoch, validation_accuracy),
    [LOPI_CURVE_TEST_LOSS] = offsetof(lop_epoch, test_loss),
    [LOPI_CURVE_TEST_ACCURACY] = offsetof(lop_epoch, test_accuracy),
};

static const lopi_field *field_of(size_t column)
{
    const lopi_field *field = lopi_epoch_fields.rows;
    while (field->offset != columns[column])
        field++;
    return field;
}

const char *lopi_curve_name(size_t column) { return field_of(column)->name; }

/* By number; those of one number stay in the order of their seeds, so that sums have one too. */
static int compare(const void *left, const void *right)
{
    const lop_epoch *a = *(const lop_epoch *const *)left, *b = *(const lop_epoch *const *)right;
    if (a->epoch != b->epoch)
        return a->epoch < b->epoch ? -1 : 1;
    return (a > b) - (a < b);
}

static const void *epoch_at(const void *list, size_t index)
{
    return ((const lop_epoch *const *)list)[index];
}

static void put_together(lopi_curve *curve, const lop_epoch *const *sorted, size_t count)
{
    for (size_t first = 0, next; first < count; first = next) {
        lopi_curve_epoch *epoch = curve->epochs + curve->count++;
        epoch->number = sorted[first]->epoch;
        for (next = first; next < count && sorted[next]->epoch == epoch->number;)
            next++;
        for (size_t column = 0; column < LOPI_CURVE_COLUMNS; column++)
            epoch->stat[column] =
                lopi_stat_of(field_of(column), epoch_at, sorted + first, next - first);
    }
}

lop_status lopi_curve_new(lopi_curve *out, const lopi_point *point, lop_error *error)
{
    lopi_curve curve = {.epochs = NULL};
    size_t count = 0;
    for (size_t i = 0; i < point->count; i++)
        count += point->results[i]->epochs ? point->results[i]->epoch_count : 0;
    const lop_epoch **sorted = lopi_alloc(count, sizeof *sorted);
    if (count > 0)
        curve.epochs = lopi_alloc(count, sizeof *curve.epochs);
    if (!sorted || (count > 0 && !curve.epochs)) {
        lopi_free(sorted);
        lopi_free(curve.epochs);
        return lopi_fail_memory(error, count * sizeof *curve.epochs);
    }
    count = 0;
    for (size_t i = 0; i < point->count; i++)
        for (size_t j = 0; point->results[i]->epochs && j < point->results[i]->epoch_count; j++)
            sorted[count++] = point->results[i]->epochs + j;
    qsort(sorted, count, sizeof *sorted, compare);
    put_together(&curve, sorted, count);
    lopi_free(sorted);
    *out = curve;
    return LOP_OK;
}

void lopi_curve_free(lopi_curve *curve)
{
    lopi_free(curve->epochs);
    *curve = (lopi_curve){.epochs = NULL};
}

bool lopi_point_has_epochs(const lopi_point *point)
{
    for (size_t i = 0; i < point->count; i++)
        if (point->results[i]->epochs && point->results[i]->epoch_count > 0)
            return true;
    return false;
}
