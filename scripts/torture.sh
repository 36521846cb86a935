#!/bin/sh
# torture.sh: the long part of the tests. Every call of the system fails, each by itself and all from
# there on; jobs are killed at hundreds of moments; disks are full at hundreds of sizes; the power goes
# behind every call; every kernel on ten thousands of shapes; the analyzer takes all its ways. An hour or
# more on two cores.
set -eu
cd "$(dirname "$0")/.."
scripts/deps.sh build test
scripts/build.sh gcc
build=build/gcc
PYTHONPATH=tests/cli
PYTHONDONTWRITEBYTECODE=1
export PYTHONPATH PYTHONDONTWRITEBYTECODE
step() { printf '\n== %s\n' "$*"; }

step "each call of the system fails, under the library's functions"
$build/tests/faults/test_faults --long
step "the same under the command line"
LOP=$PWD/$build/tests/faults/lop_faulty python3 tests/faults/commands.py --long
step "kills, signals, full disks"
LOP=$PWD/$build/cli/lop python3 tests/torture/torture.py --long
step "the power goes"
LOP=$PWD/$build/tests/faults/lop_faulty python3 tests/faults/power.py --long
step "every kernel"
$build/tests/run/check_kernels --long
step "the same bytes from two directories"
scripts/reproducible.sh
step "each way through each function that the analyzer can follow"
scripts/lint.sh --long
