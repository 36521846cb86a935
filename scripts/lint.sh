#!/bin/sh
# lint.sh [--fix]: form (clang-format), static analysis (clang-tidy, cppcheck), shell scripts
# (shellcheck), and the rules of the house. With --fix: put the C files into form, and nothing else.
set -eu
cd "$(dirname "$0")/.."
build=build/clang # whose compile_commands.json clang-tidy reads

sources=$(find include src cli tests bench examples fuzz -name '*.[ch]' 2>/dev/null | sort)
if [ "${1:-}" = --fix ]; then
    # shellcheck disable=SC2086 # many names
    clang-format -i $sources
    exit 0
fi

jobs=$(nproc)
status=0
check() { # check NAME COMMAND…
    name=$1
    shift
    log=$(mktemp)
    if "$@" >"$log" 2>&1; then
        echo "lint: $name: clean"
    else
        cat "$log"
        echo "lint: $name: see above"
        status=1
    fi
    rm -f "$log"
}
# shellcheck disable=SC2317 # called through check
tidy() {
    # The page's assets are a header that the build makes.
    cmake --preset clang && cmake --build --preset clang --target report_assets_h || return 1
    find src cli -name '*.c' -print0 2>/dev/null |
        xargs -0 -P "$jobs" -n 4 clang-tidy --quiet -p "$build" || return 1
    # The analyzer does not know cmocka's assertions, so in tests it would suspect each step.
    find tests -name '*.c' ! -path '*/install/*' ! -path '*/sanitize/*' -print0 |
        xargs -0 -P "$jobs" -n 4 clang-tidy --quiet -p "$build" \
            --checks='-clang-analyzer-*,-cert-err34-c'
}
# shellcheck disable=SC2086 # many names
check clang-format clang-format --dry-run -Werror $sources
check shellcheck shellcheck scripts/*.sh .ci/run tests/install/install.sh
check cppcheck cppcheck --std=c11 --enable=warning,performance,portability --inline-suppr \
    --error-exitcode=1 --quiet -j "$jobs" --suppress=missingIncludeSystem \
    --suppressions-list=tests/cppcheck.supp -Iinclude -Isrc -DLOP_VERSION=\"0\" src cli
check house python3 scripts/check-house.py
check clang-tidy tidy
exit $status
