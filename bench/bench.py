#!/usr/bin/env python3
"""lop's speed, measured here and now beside others and beside stated targets.

    training.py   training, evaluation, pruning; PyTorch beside them
    inference.py  networks computed by lop, ONNX Runtime, oneDNN, PyTorch, SuiteSparse:GraphBLAS
    networks.py   the networks for that: trained and pruned here, kept in the directory of --out
    limits.py     how far those are from what the core can do, which limits.c measures
    packing.py    a network of 100 million weights, packed and opened by pack.c
    page.py       the tables and figures of docs/performance.md
    contender/    the engines, as programs that compute when inference.py tells them
    graph/        the Sparse DNN Graph Challenge, a program of its own
    bench.c       training and pruning, as a program that training.py calls
    criteria.c    what criteria of pruning cost and keep

Peers that are not installed are left out, and the tables say so. So are those that fail, and a part that
fails does not end the others. What is found is written to results.json as it comes. Ends with 1 under --check where a target
that could be measured is missed.
"""

import argparse
import json
import os
import subprocess
import sys
import traceback

import inference
import limits
import packing
import page
import training
from common import Notes, describe_machine, print_table
from networks import Networks

HERE = os.path.dirname(os.path.abspath(__file__))

# What takes half an hour, and what a few minutes.
FULL = {"shapes": ["challenge", "lenet"], "sparsities": [0, 25, 50, 60, 70, 80, 90, 95, 97, 99],
        "turns": 5, "seconds": 0.06, "epochs": 10, "retraining": 3, "training_turns": 2,
        "gradual": True, "graph_images": 10000, "packed_millions": 100, "engines": [engine for engine, _ in inference.ENGINES]}
QUICK = {"shapes": ["challenge"], "sparsities": [0, 80, 90, 95, 99], "turns": 5, "seconds": 0.04,
         "epochs": 3, "retraining": 1, "training_turns": 1, "graph_images": 1000, "gradual": False,
         "packed_millions": 100,
         "engines": ["lop-int8", "lop-float32", "onnxruntime-int8", "onnxruntime-float32",
                     "onednn-int8"]}


def read_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    build = os.path.join(HERE, "../build/release")
    parser.add_argument("--build", default=build, help="the build directory to measure")
    parser.add_argument("--quick", action="store_true", help="fewer networks, engines and turns")
    parser.add_argument("--only", choices=["inference", "packing", "training"], help="one part of it")
    parser.add_argument("--out", default="out/bench", help="where networks and results are kept")
    parser.add_argument("--page", metavar="FILE",
                        help="also write tables and figures into this page (docs/performance.md)")
    parser.add_argument("--threads", default="1,2", help="of inference")
    parser.add_argument("--check", action="store_true", help="end with 1 where a target is missed")
    parser.add_argument("--batch", type=int, default=256, help="of training")
    parser.add_argument("--steps", type=int, default=100, help="optimizer steps a timed pass")
    parser.add_argument("--passes", type=int, default=2, help="timed passes a turn, in training")
    options = parser.parse_args()
    for name, value in (QUICK if options.quick else FULL).items():
        setattr(options, name, value)
    if options.page and options.only:
        parser.error("a page needs all parts")
    options.program = os.path.join(options.build, "bench/bench")
    options.contender = os.path.join(options.build, "bench/contender")
    cores = len(os.sched_getaffinity(0))
    options.threads = sorted({min(int(n), cores) for n in options.threads.split(",")})
    options.batches = [1, 512]
    return options


def save(options, results):
    """All that was found so far; a reader sees the file before or the file after."""
    path = os.path.join(options.out, "results.json")
    with open(path + ".new", "w") as file:
        json.dump({name: value for name, value in results.items() if name != "work"}, file, indent=1)
    os.replace(path + ".new", path)


def measure_training(options, notes, results):
    turns = options.turns
    options.turns = options.training_turns
    try:
        targets, results["training"] = training.measure(options, notes)
    finally:
        options.turns = turns
    return targets


def measure_packing(options, notes, results):
    targets, results["packing"] = packing.measure(options, notes)
    return targets


def measure_inference(options, notes, results):
    data = subprocess.run([options.program, "data"], capture_output=True, text=True)
    if data.returncode != 0:
        raise SystemExit(data.stderr.strip())
    networks = Networks(os.path.join(options.build, "cli/lop"), options.out, options.epochs,
                        options.retraining)
    work = inference.Inference(options, networks, data.stdout.strip())
    results["inference"], results["plans"] = work.rows, work.plans
    work.run(lambda: save(options, results))
    inference.print_tables(work)
    results["limits"], results["ghz"] = limits.rows_of(work, options)
    if results["limits"]:
        print_table(limits.HEAD, results["limits"])
    targets = inference.check_targets(work, notes)
    for engine, problem in work.problems.items():
        if problem not in notes.texts:  # said already where a target needed it
            notes.refer("%s: %s" % (inference.TITLES.get(engine, engine), problem))
    results["work"] = work
    return targets


PARTS = (("inference", measure_inference), ("packing", measure_packing),
         ("training", measure_training))


def main():
    options = read_options()
    notes = Notes()
    os.makedirs(options.out, exist_ok=True)
    results, missed, failed, tables = {}, 0, [], {}
    describe_machine()
    for name, measure in PARTS:
        if options.only not in (None, name):
            continue
        try:
            tables[name] = measure(options, notes, results)
        except (Exception, SystemExit) as error:  # the other parts are worth their time all the same
            if isinstance(error, SystemExit):
                print(error, file=sys.stderr)
            else:
                traceback.print_exc()
            failed.append(name)
            notes.refer("%s: ended by an error of the bench" % name)
        else:
            print_table(["target, " + name, "", "found", ""], tables[name].rows)
            missed += tables[name].missed
        save(options, results)
    notes.print()
    if options.page and "inference" in failed:
        print("bench: %s is left as it was" % options.page, file=sys.stderr)
    elif options.page:
        page.write(options.page, results, tables, notes, options)
    return 1 if failed or (missed and options.check) else 0


if __name__ == "__main__":
    sys.exit(main())
