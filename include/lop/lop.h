/** All of lop's toolkit. Start reading at network.h, then train.h, prune.h and experiment.h. */
#ifndef LOP_LOP_H
#define LOP_LOP_H

#include <lop/data.h>
#include <lop/energy.h>
#include <lop/exchange.h>
#include <lop/experiment.h>
#include <lop/fit.h>
#include <lop/hooks.h>
#include <lop/machine.h>
#include <lop/network.h>
#include <lop/output.h>
#include <lop/pack.h>
#include <lop/plan_cache.h>
#include <lop/prune.h>
#include <lop/pruner.h>
#include <lop/report.h>
#include <lop/result.h>
#include <lop/run.h>
#include <lop/sensitivity.h>
#include <lop/sharer.h>
#include <lop/state.h>
#include <lop/status.h>
#include <lop/suggest.h>
#include <lop/train.h>

#endif
