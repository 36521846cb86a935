#!/bin/sh
# build.sh PRESET: configure where needed, and build. Quiet unless something is wrong.
set -eu
cd "$(dirname "$0")/.."
preset=$1
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! cmake --preset "$preset" >"$log" 2>&1; then
    cat "$log" >&2
    exit 1
fi
cmake --build --preset "$preset"
