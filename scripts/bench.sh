#!/bin/sh
# bench.sh LOP [OPTIONS of bench/bench.py]: measure the build that LOP belongs to.
set -eu
build=$(dirname "$(dirname "$1")")
shift
exec python3 "$(dirname "$0")/../bench/bench.py" --program "$build/bench/bench" "$@"
