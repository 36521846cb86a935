"""Training, evaluation and pruning beside their targets, and beside PyTorch where python3-torch is
installed.

Everything is measured in processes of their own, one at a time, in turns (lop, PyTorch, lop, PyTorch,
…), so that a machine that gets slower or busier does so for all. A row gives the median of all timed
passes and the smallest and largest.
"""

import json
import os
import statistics
import subprocess
import tempfile
import sys

from common import Targets, print_table, progress, python_with_torch

HERE = os.path.dirname(os.path.abspath(__file__))
EPOCH_IMAGES = 60000


class Measurement:
    """One thing to measure, and what came out of all its turns."""

    def __init__(self, title, command):
        self.title = title
        self.command = command
        self.results = []
        self.absent = None  # why there is nothing

    def turn(self):
        if self.absent:
            return
        done = subprocess.run(self.command, capture_output=True, text=True)
        if done.returncode != 0:
            lines = done.stderr.strip().splitlines()
            self.absent = lines[-1] if lines else "ended with %d" % done.returncode
            return
        self.results.append(json.loads(done.stdout))

    def values(self, name="seconds"):
        return [second for result in self.results for second in result[name]]

    def median(self, name="seconds"):
        return statistics.median(self.values(name))

    def peak_bytes(self):
        return max(result["peak_memory_bytes"] for result in self.results)


def spread(values, scale):
    return "%.2f – %.2f" % (min(values) * scale, max(values) * scale)


def training(program, data, options, threads):
    """Measurements of training: lop in each precision and PyTorch, each thread count."""
    work = ["--batch", str(options.batch), "--steps", str(options.steps),
            "--passes", str(options.passes)]
    python = python_with_torch()
    found = {}
    for count in threads:
        for name, command in (
                ("lop float32", [program, "train", "--precision", "float32"]),
                ("lop bf16", [program, "train", "--precision", "bf16"]),
                ("PyTorch float32",
                 [python, os.path.join(HERE, "train_pytorch.py"), "--data", data])):
            key = (name, count)
            found[key] = Measurement("%s, %d thread%s" % (name, count, "s" * (count > 1)),
                                     command + work + ["--threads", str(count)])
    return found


def training_table(found, options, notes):
    images = options.steps * options.batch
    print("Training 784-1000-1000-500-200-10, Adam, batch %d: passes of %d steps;" %
          (options.batch, options.steps))
    print("seconds an epoch are milliseconds a step times %d / %d.\n" %
          (EPOCH_IMAGES, options.batch))
    rows = []
    for m in found.values():
        if m.absent:
            rows.append([m.title, "–", "", "", "", notes.refer(m.absent)])
            continue
        step = [value / options.steps * 1e3 for value in m.values()]
        rows.append([m.title, "%.2f" % statistics.median(step), spread(step, 1),
                     "%.2f" % (m.median() / images * EPOCH_IMAGES),
                     "%.0f" % (m.peak_bytes() / 1e6), "%d passes" % len(step)])
    print_table(["", "ms a step", "from – to", "s an epoch", "peak MB", ""], rows)


def others_table(measurements, notes):
    rows = []
    for m, name, what in measurements:
        if m.absent:
            rows.append([what, "–", "", notes.refer(m.absent)])
            continue
        rows.append([what, "%.2f" % (m.median(name) * 1e3), spread(m.values(name), 1e3),
                     "%d passes" % len(m.values(name))])
    print_table(["", "ms", "from – to", ""], rows)


def best(found, name):
    """The fastest thread count of a program, or None."""
    measured = [m for key, m in found.items() if key[0] == name and m.results]
    return min(measured, key=Measurement.median) if measured else None


class TrainingTargets(Targets):
    def ratio(self, text, least, mine, other):
        target = "≥ %.1f×" % least
        for m, who in ((mine, "lop"), (other, "PyTorch")):
            if m is None or not m.results:
                why = m.absent if m and m.absent else "no result of " + who
                self.absent(text, target, why)
                return
        ratio = (other.median() / other.results[0]["steps"]) / (
            mine.median() / mine.results[0]["steps"])
        self.add(text, target, "%.2f×" % ratio, ratio >= least)

    def most(self, text, limit, unit, measurement, value):
        target = "≤ %g %s" % (limit, unit)
        if not measurement.results:
            self.absent(text, target, measurement.absent or "no result")
            return
        found = value(measurement)
        self.add(text, target, "%.3g %s" % (found, unit), found <= limit)


def check_targets(found, evaluation, threads, options, notes):
    most = max(threads)
    torch = best(found, "PyTorch float32")
    if torch:
        print("PyTorch's best setting here: %s.\n" % torch.title)
    missing = found[("PyTorch float32", most)]
    mine, bf16 = found[("lop float32", most)], found[("lop bf16", most)]
    twenty_epochs = 20 * EPOCH_IMAGES / (options.steps * options.batch)
    targets = TrainingTargets(notes)
    with_threads = "%d thread%s" % (most, "s" * (most > 1))
    targets.ratio("training in float32, %s, to PyTorch's best" % with_threads, 1.4, mine,
                  torch or missing)
    targets.ratio("training in bf16, %s, to PyTorch's best" % with_threads, 4, bf16,
                  torch or missing)
    targets.most("20 epochs in bf16, %s" % with_threads, 35, "s", bf16,
                 lambda m: m.median() * twenty_epochs)
    targets.most("10,000 test images, %s" % with_threads, 0.5, "s", evaluation,
                 lambda m: m.median("seconds"))
    for name, m in (("float32", mine), ("bf16", bf16)):
        targets.most("peak memory of training in %s" % name, 700, "MB", m,
                     lambda m: m.peak_bytes() / 1e6)
    return targets


def train_gradually(options):
    """Seconds of twenty epochs that prune 99 % of the weights as they go, by the command line, with
    all that it does in an epoch; or None and why."""
    recipe = os.path.join(HERE, "../examples/mnist-weights.yaml")
    with tempfile.TemporaryDirectory() as directory:
        command = [os.path.join(options.build, "cli/lop"), "train", "--recipe", recipe, "--method",
                   "weight", "--schedule", "gradual", "--while-training", "--sparsity", "99",
                   "--json", "-q", "-o", os.path.join(directory, "net.safetensors")]
        done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        return None, done.stderr.strip()
    return json.loads(done.stdout.splitlines()[-1])["train_seconds"], None


def gradual_target(options, targets):
    text, limit = "20 epochs with gradual pruning by weights, all that an epoch is", 38
    if not options.gradual:
        targets.absent(text, "≤ %g s" % limit, "only in the whole run, without --quick")
        return
    seconds, why = train_gradually(options)
    if seconds is None:
        targets.absent(text, "≤ %g s" % limit, why)
    else:
        targets.add(text, "≤ %g s" % limit, "%.1f s" % seconds, seconds <= limit)


def measure(options, notes):
    """Measure and print all of it; the targets with what was found."""
    data = subprocess.run([options.program, "data"], capture_output=True, text=True)
    if data.returncode != 0:
        raise SystemExit(data.stderr.strip())
    threads = sorted({1, min(2, len(os.sched_getaffinity(0)))})
    found = training(options.program, data.stdout.strip(), options, threads)
    common = ["--threads", str(max(threads)), "--passes", "5"]
    evaluation = Measurement("evaluation", [options.program, "evaluate"] + common)
    pruning = Measurement("pruning", [options.program, "prune"] + common)
    everything = list(found.values()) + [evaluation, pruning]
    for turn in range(options.turns):
        for i, m in enumerate(everything):
            progress("training: turn %d of %d, %d of %d" % (turn + 1, options.turns, i + 1,
                                                            len(everything)))
            m.turn()
    progress("")

    training_table(found, options, notes)
    others_table([
        (evaluation, "first_seconds", "evaluating 10,000 images, the first time"),
        (evaluation, "seconds", "evaluating 10,000 images"),
        (pruning, "weight_prune_seconds", "pruning 90 % of the weights"),
        (pruning, "unit_prune_seconds", "pruning 90 % of the units"),
        (pruning, "weight_count_seconds", "counting what is left"),
        (pruning, "weight_compact_seconds", "compacting after weight pruning"),
        (pruning, "unit_compact_seconds", "compacting after unit pruning"),
    ], notes)
    targets = check_targets(found, evaluation, threads, options, notes)
    gradual_target(options, targets)
    return targets, [result for m in everything for result in m.results]
