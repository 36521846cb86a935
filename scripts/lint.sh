#!/bin/sh
# lint.sh [--fix | --long]: form (clang-format), static analysis (clang-tidy, cppcheck), shell scripts
# (shellcheck), and the rules of the house. With --fix: put the C files into form, and nothing else.
# With --long the analyzer goes as many ways through a function as it would by itself; without, a fourth,
# which only long functions have.
set -eu
cd "$(dirname "$0")/.."
build=build/clang # whose compile_commands.json clang-tidy reads

case ${1:-} in
'' | --fix | --long) ;;
*)
    echo "lint: expected --fix, --long or nothing, found '$1'" >&2
    exit 64
    ;;
esac
sources=$(find include src cli tests bench examples fuzz web -name '*.[ch]' 2>/dev/null | sort)
if [ "${1:-}" = --fix ]; then
    # shellcheck disable=SC2086 # many names
    clang-format -i $sources
    exit 0
fi

ways=56000
[ "${1:-}" != --long ] || ways=225000
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
tidy_files() { # tidy_files [OPTION]… <NAMES: each finding once, without counts of what is left unsaid
    log_tidy=$(mktemp)
    found=0
    xargs -0 -P "$jobs" -n 4 clang-tidy --quiet -p "$build" "$@" >"$log_tidy" 2>&1 || found=1
    if [ "$found" = 1 ]; then
        awk '/: (error|warning): / { show = !seen[$0]++ }
             /^[0-9]+ warnings? / { next }
             show
             END { exit length(seen) == 0 }' "$log_tidy" || cat "$log_tidy"
    fi
    rm -f "$log_tidy"
    return "$found"
}
# shellcheck disable=SC2317 # called through check
tidy() {
    # The page's assets are a header that the build makes.
    ready=$(cmake --preset clang 2>&1 && cmake --build --preset clang --target report_assets_h 2>&1) || {
        echo "$ready"
        return 1
    }
    wrong=0
    find src cli bench -name '*.c' -print0 | tidy_files --extra-arg=-Xclang --extra-arg=-analyzer-config \
        --extra-arg=-Xclang --extra-arg="max-nodes=$ways" || wrong=1
    # No build of the machine's own has this one: it is the C library of the WebAssembly modules.
    clang-tidy --quiet web/runtime/libc.c -- --target=wasm32-wasi -std=c11 -fno-builtin || wrong=1
    # The analyzer does not know cmocka's assertions, so in tests it would suspect each step.
    find tests fuzz -name '*.c' ! -path '*/install/*' ! -path '*/sanitize/*' -print0 |
        tidy_files --checks='-clang-analyzer-*,-cert-err34-c' || wrong=1
    return "$wrong"
}
# What takes one processor runs beside the rest.
# shellcheck disable=SC2086 # many names
{
    check clang-format clang-format --dry-run -Werror $sources
    check shellcheck shellcheck scripts/*.sh .ci/run tests/install/install.sh
    check house python3 scripts/check-house.py
    exit $status
} &
beside=$!
check cppcheck cppcheck --std=c11 --enable=warning,performance,portability --inline-suppr \
    --error-exitcode=1 --quiet -j "$jobs" --suppress=missingIncludeSystem \
    --suppressions-list=tests/cppcheck.supp -Iinclude -Isrc -DLOP_VERSION=\"0\" src cli bench
check clang-tidy tidy
wait "$beside" || status=1
exit $status
