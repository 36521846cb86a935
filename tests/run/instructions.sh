#!/bin/sh
# instructions.sh LIBRARY PATTERN…: the compiler made of the kernels what they were written for.
set -eu
library=$1
shift
listing=$(mktemp)
trap 'rm -f "$listing"' EXIT
objdump -d --no-show-raw-insn "$library" >"$listing"
for pattern; do
    count=$(grep -cw "$pattern" "$listing" || true)
    echo "instructions: $count of $pattern"
    [ "$count" -gt 0 ] || exit 1
done
