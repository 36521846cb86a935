#!/bin/sh
# bench.sh LOP [OPTIONS of bench/bench.py]: measure the build that LOP belongs to.
set -eu
build=$(dirname "$(dirname "$1")")
shift
# Debian's packages of Python are for Debian's Python, which may not be the first one found.
python=python3
"$python" -c 'import numpy' 2>/dev/null || python=/usr/bin/python3
exec "$python" "$(dirname "$0")/../bench/bench.py" --build "$build" "$@"
