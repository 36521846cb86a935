/**
 * Plans that are kept: measuring takes a moment, and is done once for a machine and a network.
 */
#ifndef LOP_PLAN_CACHE_H
#define LOP_PLAN_CACHE_H

#include <stdbool.h>

#include <lop/data.h>
#include <lop/export.h>
#include <lop/hooks.h>
#include <lop/run.h>
#include <lop/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What lop_plan_cached did, beside making a plan. */
typedef struct lop_plan_cache_facts {
    bool found;     /* the plan was kept from an earlier call */
    char file[256]; /* where it is kept; "" where no directory is named, shortened from the left
                       when longer */
    lop_error why;  /* code LOP_OK, or why a kept plan was not used, or could not be kept */
} lop_plan_cache_facts;

/**
 * As lop_plan_new with `measure`, but takes the choices from the directory "plans" of the cache
 * (lop_cache_directory) where they were measured before, by this library, on this CPU, for the same
 * network and options; otherwise measures and keeps them. Samples are no part of what tells plans
 * apart: one that was measured with some serves whether there are samples or not, and one that was
 * measured without is measured again, and replaced, once there are. A kept plan that is damaged is
 * replaced. That plans cannot be kept is no error.
 *
 * @param options  `measure` and `saved` are not looked at
 * @param data     where the cache is (`cache_dir`); without it the plan is measured and not kept,
 *                 and facts->why says so
 * @param anew     measure although there is a kept plan, and replace it
 * @param facts    written on success; may be NULL
 * @return as lop_plan_new
 */
LOP_API lop_status lop_plan_cached(lop_plan **out, const lop_packed *packed,
                                   const lop_plan_options *options, const lop_data_options *data,
                                   bool anew, lop_plan_cache_facts *facts, lop_error *error);

#ifdef __cplusplus
}
#endif

#endif
