/**
 * Curves: what a point's seeds did epoch by epoch, put together.
 *
 * Epochs go by their number: seeds that stopped early are missing from the later ones, and means
 * are over those that are there.
 */
#ifndef LOPI_REPORT_CURVE_H
#define LOPI_REPORT_CURVE_H

#include "report/field.h"
#include "report/group.h"

enum { LOPI_CURVE_COLUMNS = 7 };

/** What a curve has for each epoch: rows of lopi_epoch_fields, the sparsity first, then loss and
 *  accuracy of training, validation and test. */
typedef enum lopi_curve_column {
    LOPI_CURVE_SPARSITY,
    LOPI_CURVE_TRAIN_LOSS,
    LOPI_CURVE_TRAIN_ACCURACY,
    LOPI_CURVE_VALID_LOSS,
    LOPI_CURVE_VALID_ACCURACY,
    LOPI_CURVE_TEST_LOSS,
    LOPI_CURVE_TEST_ACCURACY,
} lopi_curve_column;

typedef struct lopi_curve_epoch {
    size_t number; /* from 1 */
    lopi_stat stat[LOPI_CURVE_COLUMNS];
} lopi_curve_epoch;

typedef struct lopi_curve {
    lopi_curve_epoch *epochs; /* [count] by rising number; NULL where there are none */
    size_t count;
} lopi_curve;

/** Put the seeds of a point together; lopi_curve_free. LOP_E_MEMORY. */
lop_status lopi_curve_new(lopi_curve *out, const lopi_point *point, lop_error *error);
void lopi_curve_free(lopi_curve *curve);

/** The name of a column, as results have it: "test_loss". */
const char *lopi_curve_name(size_t column);

/** Whether any seed of a point has epochs. */
bool lopi_point_has_epochs(const lopi_point *point);

#endif
