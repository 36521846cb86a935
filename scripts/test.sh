#!/bin/sh
# test.sh: all checks, in the order in which they tell most for their time.
set -eu
cd "$(dirname "$0")/.."
lop=build/gcc/cli/lop

step() { printf '\n== %s\n' "$*"; }

scripts/deps.sh build test

step "gcc, release, warnings are errors"
scripts/build.sh gcc

step "data that tests read"
"$lop" data get mnist
"$lop" data get fashion-mnist

step "clang, release, warnings are errors"
scripts/build.sh clang
ctest --preset clang

step "address, leak and undefined behaviour sanitizers"
scripts/build.sh asan
ctest --preset asan

step "coverage"
scripts/coverage.sh

step "readers under attack"
scripts/fuzz.sh --quick

step "thread sanitizer"
scripts/build.sh tsan
ctest --preset tsan

step "lint"
scripts/lint.sh

step "gcc, release"
ctest --preset gcc
