#!/bin/sh
# bench-jobs.sh LOP DATA [OPTIONS of lop train]: seconds for two trainings with half of the cores
# each at the same time, and for the same one after the other with all of them; in turn, three times.
set -eu
lop=$1 data=$2
shift 2
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
export OMP_WAIT_POLICY="${OMP_WAIT_POLICY:-passive}"
cores=$(nproc)

train() { # SEED THREADS [OPTIONS]
    seed=$1 threads=$2
    shift 2
    "$lop" train --data "$data" --seed "$seed" --threads "$threads" -q -o "$place/$seed.safetensors" \
        -f "$@" >"$place/$seed.txt"
}

seconds() { echo "$1 $2" | awk '{ printf "%6.2f", ($2 - $1) / 1e9 }'; }

for _ in 1 2 3; do
    begin=$(date +%s%N)
    train 1 "$cores" "$@"
    train 2 "$cores" "$@"
    middle=$(date +%s%N)
    train 1 "$((cores / 2))" "$@" &
    train 2 "$((cores / 2))" "$@"
    wait "$!"
    end=$(date +%s%N)
    echo "one after the other $(seconds "$begin" "$middle") s, side by side $(seconds "$middle" "$end") s"
done
