#!/bin/sh
# bench-graph.sh PROGRAM [SIZE…]: the Sparse DNN Graph Challenge, with two threads, beside
# SuiteSparse:GraphBLAS where the build found it. See bench/graph/challenge.c for SIZE.
set -eu
program=$1
shift
export OMP_WAIT_POLICY="${OMP_WAIT_POLICY:-passive}"
[ $# -gt 0 ] || set -- 1024x120 1024x480:4000 4096x120:4000 16384x120:1000
exec "$program" --threads 2 --check 200 "$@"
