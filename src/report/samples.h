/**
 * Test samples for the page: images that a reader can show to the packed networks. For each network
 * some that it gets wrong are among them, as far as there are such.
 */
#ifndef LOPI_REPORT_SAMPLES_H
#define LOPI_REPORT_SAMPLES_H

#include <jansson.h>

#include <lop/report.h>

#include "report/networks.h"

/** A data set among the options', or NULL. */
const lop_dataset *lopi_report_dataset(const lop_report_options *options, const char *name);

/**
 * What is offered, a new JSON array: { block, side, count, labels, pixels }, the last two in
 * base64, a byte each. Blocks whose data set is not among the options', or whose samples are no
 * square images in bytes, have none. NULL without memory.
 */
json_t *lopi_samples_json(const lopi_view *view, const lopi_shown_networks *networks,
                          const lop_report_options *options);

#endif
