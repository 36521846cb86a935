#include <lop/report.h>

#include "base/error.h"

lop_status lop_report_html(const lop_results *results, const lop_report_options *options,
                           FILE *stream, lop_error *error)
{
    (void)results, (void)options, (void)stream;
    return lopi_fail(error, LOP_E_UNSUPPORTED, "the page is not drawn yet");
}
