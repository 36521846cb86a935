#include "bench_show.h"
#include "commands.h"
#include "data_sets.h"
#include "json_text.h"

typedef struct values {
    packed_values packed; /* first */
    double seconds;
    bool plan, anew;
} values;

static const option bench_options[] = {
    {.name = "plan",
     .kind = OPTION_FLAG,
     .offset = offsetof(values, plan),
     .help = "also show what each layer could be computed by, what each took, and the whole "
             "network with one kernel for all layers"},
    {.name = "anew",
     .kind = OPTION_FLAG,
     .offset = offsetof(values, anew),
     .help = "measure the candidates again, although there is a plan from an earlier run"},
    {.name = "seconds",
     .kind = OPTION_REAL,
     .offset = offsetof(values, seconds),
     .least = 0.001,
     .most = 600,
     .argument = "S",
     .help = "time for each form, batch and number of threads"},
    {0},
};

static const option_group groups[] = {{"Measuring", bench_options},
                                      {"Network", packed_options},
                                      {"Network", data_limit_options},
                                      {0}};

static const example examples[] = {
    {"lop bench net.safetensors --data mnist", "latency and throughput, beside the dense form"},
    {"lop bench net.safetensors --threads 1 --json", "one thread, for programs"},
    {"lop bench net.safetensors --plan", "and why it is fast"},
    {0},
};

static lop_status prepare(void *given, lop_error *error)
{
    (void)error;
    ((values *)given)->seconds = 0.2;
    return LOP_OK;
}

static lop_status run(session *s, void *given, lop_error *error)
{
    const values *v = given;
    packed_network network = {0};
    bench_findings findings = {0};
    lop_plan *plan = NULL;
    const bench_wanted wanted = {.seconds = v->seconds,
                                 .threads = v->packed.common.threads,
                                 .anew = v->anew,
                                 .singles = v->plan};
    lop_status status = packed_open(&network, s, &v->packed, error);
    if (status == LOP_OK)
        status = bench_measure(&findings, &plan, s, &network, &v->packed, &wanted, error);
    const bench_report report = {
        .path = v->packed.common.arguments[0],
        .packed = network.packed,
        .plan = plan,
        .findings = &findings,
        .show_plan = v->plan,
    };
    if (status == LOP_OK && v->packed.common.json)
        status = bench_show_json(&report, error);
    else if (status == LOP_OK)
        bench_show(&report);
    lop_plan_free(plan);
    packed_close(&network);
    return status;
}

const command command_bench = {
    .name = "bench",
    .summary = "latency and throughput of a network against its dense form, with the plan",
    .synopsis = "NETWORK [OPTIONS]",
    .description =
        "Plan a network for this machine and time it: single samples, and batches of 8 to 512, "
        "with "
        "one thread and with all. Beside it, in turns, runs the network's own dense form, which "
        "skips no zeros. Times are medians of single runs; the spread is from the 5th to the 95th "
        "percentile.\n\n"
        "The plan is chosen by measuring what each layer takes in each way to compute it, and is "
        "kept for the next time. Energy is estimated from counted products and bytes; where the "
        "processor counts its energy, that is shown too. LOP_ISA in the environment names the "
        "widest instruction set to use.\n",
    .groups = groups,
    .examples = examples,
    .offer = OFFER_FILES,
    .least = 1,
    .most = 1,
    .values_size = sizeof(values),
    .prepare = prepare,
    .run = run,
};
