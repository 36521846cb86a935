#!/bin/sh
# demo.sh LOP DIR: the experiment on MNIST, and where to look at it.
set -eu
lop=$1 out=$2
bold='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
    bold=$(printf '\033[1m') plain=$(printf '\033[0m')
fi
say() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }

say "1. The data: 70,000 handwritten digits"
"$lop" data get mnist

say "2. The experiment: train one network, prune it two ways at ten sparsities, measure each"
"$lop" sweep --data mnist -o "$out"

say "Open it:  $(cd "$out" && pwd)/report.html"
echo "The numbers are in $out/results.jsonl and $out/results.csv, pictures in $out/figures."
echo "Started again, it measures only what is missing; 'rm -r $out' begins anew."
