#!/bin/sh
# fuzz.sh SECONDS [READER…]: readers under attack by files that libFuzzer makes up, each for so many seconds,
# two at a time, with the address and undefined behaviour sanitizers. What is of interest is kept in
# build/fuzz/corpus and begun with the next time; what is found lies in build/fuzz/found and ends this with 1.
set -eu
cd "$(dirname "$0")/.."
seconds=${1:?fuzz.sh SECONDS [READER…]}
shift
readers=${*:-idx gzip csv npy safetensors checkpoint recipe results lop plan}
build=$PWD/build/fuzz
scripts/build.sh fuzz
mkdir -p "$build/seeds" "$build/found"
"$build/fuzz/fuzz_replay" seeds "$build/seeds"

export OMP_NUM_THREADS=1
export ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1:quarantine_size_mb=1:malloc_context_size=4
export UBSAN_OPTIONS=print_stacktrace=1
attack() { # attack READER
    mkdir -p "$build/corpus/$1"
    # Longer files find little that shorter ones do not: the length is that of small sound ones.
    case $1 in
    idx | csv) longest=128 ;;
    npy) longest=160 ;;
    lop) longest=300 ;;
    gzip) longest=600 ;;
    recipe | results) longest=700 ;;
    checkpoint) longest=4000 ;;
    *) longest=1400 ;;
    esac
    LOP_READER=$1 "$build/fuzz/fuzz_reader" -max_total_time="$seconds" -max_len="$longest" \
        -dict="fuzz/dictionaries/$1.dict" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="$build/found/$1-" "$build/corpus/$1" "tests/corpus/$1" "$build/seeds/$1" \
        >"$build/found/$1.log" 2>&1
}
failed=0
wait_for() { # wait_for READER PROCESS
    if wait "$2"; then
        count=$(sed -n 's/^stat::number_of_executed_units: *//p' "$build/found/$1.log")
        echo "fuzz: $1: $count files, nothing found"
    else
        tail -n 40 "$build/found/$1.log"
        echo "fuzz: $1: see above and $build/found"
        failed=1
    fi
}
# shellcheck disable=SC2086 # several words
set -- $readers
while [ $# -gt 0 ]; do
    attack "$1" &
    first=$!
    if [ $# -gt 1 ]; then
        attack "$2" &
        second=$!
        wait_for "$1" "$first"
        wait_for "$2" "$second"
        shift 2
    else
        wait_for "$1" "$first"
        shift
    fi
done
exit $failed
