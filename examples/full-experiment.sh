#!/bin/sh
# full-experiment.sh [DIR]: both data sets, both methods, ten sparsities, three seeds; pruned in one shot
# without training, and gradually with it. One page of everything: DIR/report.html (out/full unless told).
#
# Started again, it measures only what is missing. In one shot a data set takes about ten minutes on two quiet
# cores; gradually, 60 networks are retrained for 15 epochs each, and an epoch takes 2 to 3 s there. For a quick
# look LOP may be a script that adds options to sweeps, such as --seeds 1 --recovery-epochs 3.
set -eu
lop=${LOP:-lop} out=${1:-out/full}
sparsity=0,25,50,60,70,80,90,95,97,99

for data in mnist fashion-mnist; do
    "$lop" data get "$data"
    "$lop" sweep --data "$data" --methods weight,unit --sparsity "$sparsity" --seeds 3 -o "$out/$data-oneshot"
    "$lop" sweep --data "$data" --methods weight,unit --sparsity "$sparsity" --seeds 3 \
        --schedules gradual --recovery-epochs 15 -o "$out/$data-gradual"
done
"$lop" report "$out"/mnist-oneshot "$out"/mnist-gradual "$out"/fashion-mnist-oneshot \
    "$out"/fashion-mnist-gradual -f -o "$out/report.html" --figures "$out/figures" --text
