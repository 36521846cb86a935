#include <lop/report.h>

#include "base/error.h"

lop_status lop_report_figures(const lop_results *results, const lop_report_options *options,
                              const char *dir, lop_error *error)
{
    (void)results, (void)options, (void)dir;
    return lopi_fail(error, LOP_E_UNSUPPORTED, "figures are not drawn yet");
}
