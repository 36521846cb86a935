#!/bin/sh
# coverage.sh: how much of src/ and cli/ the tests take; ends with 1 below a floor. What runs is the preset
# coverage: the tests that count something, without optimization, and without kernels, which are held
# against their definition elsewhere (scripts/coverage.py says what is left out and why).
set -eu
cd "$(dirname "$0")/.."
build=build/coverage
scripts/deps.sh build test
[ ! -d "$build" ] || find "$build" -name '*.gcda' -delete
scripts/build.sh coverage
find "$build" -name '*.gcda' -delete # of the program that wrote its manual pages
ctest --preset coverage
# Calls for memory and files fail under the readers.
for scenario in data inputs load network plan "plan kept" recipe append; do
    OMP_NUM_THREADS=1 "$build/tests/faults/test_faults" "$scenario" >/dev/null
done
report=$(mktemp)
trap 'rm -f "$report"' EXIT
# What a compiler adds is no branch of ours; and that an assertion fails is what no test can show. Threads that
# count at once may leave a count below 0, which gcovr would not read: such a line is left out.
gcovr --root . --filter src/ --filter cli/ --exclude src/run/wasm/ --exclude-unreachable-branches \
    --gcov-ignore-parse-errors --exclude-lines-by-pattern '.*\bassert\(' --json "$report" "$build"
python3 scripts/coverage.py "$@" "$report"
