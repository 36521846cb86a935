#!/bin/sh
# library.sh LIBRARY HEADERS: the runtime's shared object is small stripped, needs the C library
# alone, and exports what its headers declare.
set -eu
library=$1 headers=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "library: $*" >&2; exit 1; }

strip -o "$work/stripped" "$library"
size=$(wc -c <"$work/stripped")
[ "$size" -lt 200000 ] || fail "$size bytes stripped; expected less than 200000"

needed=$(readelf -dW "$library" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
for name in $needed; do
    case $name in
    libc.so.* | libm.so.* | libpthread.so.* | ld-linux*) ;;
    *) fail "needs $name" ;;
    esac
done

exported=$(nm -D --defined-only "$library" | awk '{print $3}')
[ -n "$exported" ] || fail "exports nothing"
for name in $exported; do
    grep -qw "$name" "$headers/run.h" "$headers/status.h" "$headers/machine.h" ||
        fail "exports $name, which no header of the runtime declares"
done
grep -o '\<lop_[a-z0-9_]*(' "$headers/run.h" "$headers/status.h" -h | tr -d '(' | sort -u >"$work/declared"
while read -r name; do
    echo "$exported" | grep -qx "$name" || fail "does not export $name"
done <"$work/declared"
echo "library: $size bytes stripped, $(echo "$exported" | wc -l) functions"
