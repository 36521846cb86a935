/** lop bench: what was measured, for people and for programs. */
#ifndef CLI_BENCH_SHOW_H
#define CLI_BENCH_SHOW_H

#include "bench_measure.h"

/** What is told beside the times. */
typedef struct bench_report {
    const char *path;
    const lop_packed *packed;
    const lop_plan *plan;
    const bench_findings *findings;
    bool show_plan;
} bench_report;

void bench_show(const bench_report *r);
lop_status bench_show_json(const bench_report *r, lop_error *error);

#endif
