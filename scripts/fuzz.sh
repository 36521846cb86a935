#!/bin/sh
# fuzz.sh SECONDS|--files COUNT|--quick [READER…]: readers under attack by files that libFuzzer makes up, each
# for so many seconds or files, two at a time, with the address and undefined behaviour sanitizers. What is of
# interest is kept in build/fuzz/corpus and begun with the next time; what is found lies in build/fuzz/found and
# ends this with 1.
# --quick: the same files each time, as many as a core makes in some twenty seconds, so that what one run does
# not find the next does not either.
set -eu
cd "$(dirname "$0")/.."
seconds=${1:?fuzz.sh SECONDS|--files COUNT|--quick [READER…]}
shift
files=
if [ "$seconds" = --files ]; then
    files=${1:?fuzz.sh --files COUNT [READER…]}
    shift
fi
readers=${*:-idx gzip csv npy safetensors checkpoint recipe results lop plan}
refuse() {
    echo "fuzz: $1" >&2
    exit 64
}
case ${files:-$seconds} in
--quick) ;;
0* | *[!0-9]*) refuse "expected a number of seconds or files from 1 on, or --quick; found '${files:-$seconds}'" ;;
esac
for reader in $readers; do
    [ -f "fuzz/dictionaries/$reader.dict" ] ||
        refuse "no reader '$reader'; there are $(cd fuzz/dictionaries && echo *.dict | sed s/.dict//g)"
done
build=$PWD/build/fuzz
export OMP_NUM_THREADS=1
export ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1:quarantine_size_mb=1:malloc_context_size=4
export UBSAN_OPTIONS=print_stacktrace=1
attack() { # attack READER
    corpus=$build/corpus/$1
    limit=${files:+-runs=$files}
    limit=${limit:--max_total_time=$seconds}
    if [ "$seconds" = --quick ]; then
        corpus=$build/quick/$1
        rm -rf "$corpus"
        case $1 in
        idx | npy) limit="-seed=1 -runs=2600000" ;;
        gzip | csv) limit="-seed=1 -runs=1600000" ;;
        safetensors | lop) limit="-seed=1 -runs=1150000" ;;
        *) limit="-seed=1 -runs=260000" ;;
        esac
    fi
    mkdir -p "$corpus"
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
    # shellcheck disable=SC2086 # two options
    LOP_READER=$1 "$build/fuzz/fuzz_reader" $limit -max_len="$longest" \
        -dict="fuzz/dictionaries/$1.dict" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="$build/found/$1-" "$corpus" "tests/corpus/$1" "$build/seeds/$1" \
        >"$build/found/$1.log" 2>&1
}
one() { # one READER: attack it, and say what came of it
    if attack "$1"; then
        count=$(sed -n 's/^stat::number_of_executed_units: *//p' "$build/found/$1.log")
        echo "fuzz: $1: $count files, nothing found"
    else
        tail -n 40 "$build/found/$1.log"
        echo "fuzz: $1: see above and $build/found"
        exit 1
    fi
}
# Whichever of two is free takes the next.
if [ "${LOP_FUZZ_ONE:-}" ]; then
    one "$readers"
    exit
fi
scripts/build.sh fuzz
mkdir -p "$build/seeds" "$build/found"
"$build/fuzz/fuzz_replay" seeds "$build/seeds"
export LOP_FUZZ_ONE=yes
# shellcheck disable=SC2086 # several words
printf '%s\n' $readers | xargs -P 2 -n 1 scripts/fuzz.sh ${files:+--files} "${files:-$seconds}" || exit 1
