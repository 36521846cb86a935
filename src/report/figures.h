/** Figures of one block: what lop_report_figures is made of. */
#ifndef LOPI_REPORT_FIGURES_H
#define LOPI_REPORT_FIGURES_H

#include <stdio.h>

#include <lop/hooks.h>

#include "report/group.h"

/** The title of a figure, and which network it shows. */
void lopi_figure_title(const lopi_block *block, const char *title, FILE *stream);

/**
 * Accuracy and loss epoch by epoch, ways of pruning side by side, with the sparsity below: data and
 * scripts, and then the figures. `name` is the block's, in files. Nothing where nothing was pruned
 * that has epochs.
 *
 * @return as lopi_gnuplot_write and lopi_gnuplot_draw
 */
lop_status lopi_epoch_figures_write(const lopi_block *block, const char *dir, const char *name,
                                    lop_error *error);
lop_status lopi_epoch_figures_draw(const lopi_block *block, const char *dir, const char *name,
                                   const lop_hooks *hooks, lop_error *error);

#endif
