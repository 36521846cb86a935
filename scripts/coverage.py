#!/usr/bin/env python3
"""Judges a report of gcovr (JSON): what is read from strangers' files, and all of the source.

coverage.py [--list] REPORT   ends with 1 where a floor is not reached; --list names each line that is
                              not taken, and of the readers each branch
"""
import argparse
import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Everything that looks at bytes from outside, by reader.
READERS = {
    "base": ["base/cursor.c", "base/file.c"],
    "IDX, gzip, CSV, NPY": ["data/idx.c", "data/source.c", "data/csv.c", "data/npy.c", "data/inputs.c",
                            "data/dataset.c"],
    "safetensors": ["exchange/safetensors_read.c", "exchange/network_file.c", "exchange/foreign.c",
                    "exchange/dtype.c", "nn/spec.c"],
    "checkpoints": ["train/checkpoint.c", "train/record.c"],
    "recipes": ["experiment/yaml.c", "experiment/recipe_yaml.c", "experiment/recipe.c"],
    "results": ["report/result.c", "report/field.c"],
    "packed files": ["run/container.c", "run/open.c", "run/positions.c", "run/numbers.c", "run/coder.c",
                     "run/steps.c", "run/model.c"],
    "saved plans": ["run/plan_text.c", "pack/plan_cache.c"],
}
# What is not counted, and why.
LEFT_OUT = {
    "src/run/kernels/scalar": "the definition of every kernel: run_kernels, run_scalar",
    "src/run/kernels/avx": "kernels for processors that not every machine has: run_kernels, run_emulated_avx512*",
    "src/run/kernels/amx": "kernels for processors that not every machine has: run_kernels, run_emulated_amx",
    "src/run/kernels/inputs_avx512": "kernels for processors that not every machine has: run_inputs",
    "src/run/kernels/neon": "kernels for another processor: run_aarch64",
    "src/run/kernels/wasm": "kernels for another processor: run_emulated_wasm, web_runtime",
}
# Branches that are not counted, by what stands in their line, and why.
NO_BRANCHES = {
    r"json_(object_set|array_append|object_update|pack|dumps|dumpf)\w*\(":
        "writing, it fails where jansson has no memory; tests refuse memory to lop alone, since jansson "
        "ends the process by an assertion where its parser gets none (docs/reliability.md)",
    r"\b(ok|made|whole) = ok\b|if \((!?)(ok|made|whole)\)": "goes on with what such a line found",
}
FLOORS = [  # (whose, what, per cent)
    ("readers", "lines", 95),
    ("readers", "branches", 90),
    ("all", "lines", 90),
]


def branches_of(line, text):
    """Those that count of a line."""
    if any(re.search(pattern, text) for pattern in NO_BRANCHES):
        return []
    return line.get("branches", [])


def count(file):
    """Of one file: lines and branches, taken and in all; and the numbers of lines with something missing."""
    taken = {"lines": [0, 0], "branches": [0, 0]}
    missing = []
    text = (ROOT / file["file"]).read_text(encoding="utf-8").split("\n")
    for line in file["lines"]:
        if line.get("gcovr/noncode"):
            continue
        branches = branches_of(line, text[line["line_number"] - 1])
        ways = sum(1 for branch in branches if branch["count"] > 0)
        taken["lines"][0] += line["count"] > 0
        taken["lines"][1] += 1
        taken["branches"][0] += ways
        taken["branches"][1] += len(branches)
        if line["count"] == 0 or ways < len(branches):
            missing.append((line["line_number"], line["count"] > 0, len(branches) - ways))
    return taken, missing


def add(sums, more):
    for what, (taken, total) in more.items():
        sums[what][0] += taken
        sums[what][1] += total


def percent(pair):
    return 100 * pair[0] / pair[1] if pair[1] else 100.0


def main():
    arguments = argparse.ArgumentParser(description="Judge how much of the source the tests take.")
    arguments.add_argument("report", type=Path)
    arguments.add_argument("--list", action="store_true", help="name what is not taken")
    options = arguments.parse_args()
    files = {f["file"]: count(f) for f in json.loads(options.report.read_text())["files"]
             if not f["file"].startswith(tuple(LEFT_OUT))}
    sums = {whose: {"lines": [0, 0], "branches": [0, 0]} for whose in ("readers", "all")}
    for reader, names in READERS.items():
        own = {"lines": [0, 0], "branches": [0, 0]}
        for name in names:
            if f"src/{name}" not in files:
                sys.exit(f"coverage: src/{name} is in no build: READERS is not true, or nothing was counted")
            add(own, files[f"src/{name}"][0])
        print(f"coverage: {reader:20} {percent(own['lines']):5.1f} % of lines"
              + f", {percent(own['branches']):5.1f} % of branches")
        add(sums["readers"], own)
    for taken, _ in files.values():
        add(sums["all"], taken)
    if options.list:
        for name, (_, missing) in sorted(files.items()):
            text = (ROOT / name).read_text(encoding="utf-8").split("\n")
            reads = any(name == f"src/{of}" for names in READERS.values() for of in names)
            for number, reached, ways in missing:
                if not reached or reads:
                    what = f"{ways} ways not taken" if reached else "not reached"
                    print(f"{name}:{number}: {what}: {text[number - 1].strip()}")
    failed = 0
    for whose, what, floor in FLOORS:
        found = percent(sums[whose][what])
        failed += found < floor
        print(f"coverage: {whose}: {found:.1f} % of {sums[whose][what][1]} {what}; at least {floor} %"
              + ("" if found >= floor else ": NOT REACHED"))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
