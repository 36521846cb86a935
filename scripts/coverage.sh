#!/bin/sh
# coverage.sh [BUILD]: how much of src/ and cli/ the tests take; ends with 1 below a floor. Without BUILD
# it builds and runs all tests of the preset coverage first. With it, what the tests of that build have
# counted is judged: `make test` does so after those of the preset asan, by lines alone, because the
# sanitizers' own checks are branches too.
set -eu
cd "$(dirname "$0")/.."
build=${1:-}
branches=
if [ -z "$build" ]; then
    build=build/coverage branches=--branches
    scripts/deps.sh build test
    scripts/build.sh coverage
    find "$build" -name '*.gcda' -delete
    ctest --preset coverage
    # Every call for memory and files fails under the readers; `make test` lets a few fail.
    for scenario in data inputs load network plan recipe append; do
        "$build/tests/faults/test_faults" --long "$scenario"
    done
fi
report=$(mktemp)
trap 'rm -f "$report"' EXIT
# What a compiler adds is no branch of ours; and that an assertion fails is what no test can show.
gcovr --root . --filter src/ --filter cli/ --exclude src/run/wasm/ --exclude-unreachable-branches \
    --exclude-lines-by-pattern '.*\bassert\(' --json "$report" "$build"
python3 scripts/coverage.py $branches "$report"
