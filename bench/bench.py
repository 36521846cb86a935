#!/usr/bin/env python3
"""lop's speed, measured here and now beside others and beside stated targets.

    training.py   training, evaluation, pruning; PyTorch beside them
    inference.py  networks computed by lop, ONNX Runtime, oneDNN, PyTorch, SuiteSparse:GraphBLAS
    networks.py   the networks for that: trained and pruned here, kept in the directory of --out
    page.py       the tables and figures of docs/performance.md
    contender/    the engines, as programs that compute when inference.py tells them
    graph/        the Sparse DNN Graph Challenge, a program of its own
    bench.c       training and pruning, as a program that training.py calls
    criteria.c    what criteria of pruning cost and keep

Peers that are not installed are left out, and the tables say so. Ends with 1 under --check where a target
that could be measured is missed.
"""

import argparse
import json
import os
import subprocess
import sys

import inference
import page
import training
from common import Notes, describe_machine, print_table
from networks import Networks

HERE = os.path.dirname(os.path.abspath(__file__))

# What takes half an hour, and what a few minutes.
FULL = {"shapes": ["challenge", "lenet"], "sparsities": [0, 25, 50, 60, 70, 80, 90, 95, 97, 99],
        "turns": 7, "seconds": 0.08, "epochs": 10, "retraining": 3, "training_turns": 3,
        "gradual": True, "graph_images": 10000, "engines": [engine for engine, _ in inference.ENGINES]}
QUICK = {"shapes": ["challenge"], "sparsities": [0, 80, 90, 95, 99], "turns": 5, "seconds": 0.04,
         "epochs": 3, "retraining": 1, "training_turns": 1, "graph_images": 1000, "gradual": False,
         "engines": ["lop-int8", "lop-float32", "onnxruntime-int8", "onnxruntime-float32",
                     "onednn-int8"]}


def read_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    build = os.path.join(HERE, "../build/release")
    parser.add_argument("--build", default=build, help="the build directory to measure")
    parser.add_argument("--quick", action="store_true", help="fewer networks, engines and turns")
    parser.add_argument("--only", choices=["training", "inference"], help="one part of it")
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
        parser.error("a page needs both parts")
    options.program = os.path.join(options.build, "bench/bench")
    options.contender = os.path.join(options.build, "bench/contender")
    cores = len(os.sched_getaffinity(0))
    options.threads = sorted({min(int(n), cores) for n in options.threads.split(",")})
    options.batches = [1, 512]
    return options


def measure_training(options, notes, results):
    turns = options.turns
    options.turns = options.training_turns
    targets, results["training"] = training.measure(options, notes)
    options.turns = turns
    return targets


def measure_inference(options, notes, results):
    data = subprocess.run([options.program, "data"], capture_output=True, text=True)
    if data.returncode != 0:
        raise SystemExit(data.stderr.strip())
    networks = Networks(os.path.join(options.build, "cli/lop"), options.out, options.epochs,
                        options.retraining)
    work = inference.Inference(options, networks, data.stdout.strip())
    work.run()
    inference.print_tables(work)
    results["inference"], results["plans"] = work.rows, work.plans
    targets = inference.check_targets(work, notes)
    for engine, problem in work.problems.items():
        if problem not in notes.texts:  # said already where a target needed it
            notes.refer("%s: %s" % (inference.TITLES.get(engine, engine), problem))
    results["work"] = work
    return targets


def main():
    options = read_options()
    notes = Notes()
    os.makedirs(options.out, exist_ok=True)
    results, missed, tables = {}, 0, {}
    describe_machine()
    for name, measure in (("inference", measure_inference), ("training", measure_training)):
        if options.only in (None, name):
            tables[name] = measure(options, notes, results)
            print_table(["target, " + name, "", "found", ""], tables[name].rows)
            missed += tables[name].missed
    notes.print()
    work = results.pop("work", None)
    with open(os.path.join(options.out, "results.json"), "w") as file:
        json.dump(results, file, indent=1)
    if options.page:
        page.write(options.page, work, tables, notes)
    return 1 if missed and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
