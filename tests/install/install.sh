#!/bin/sh
# install.sh BUILD_DIR CC CMAKE: what is installed can be found, linked and run.
set -eu
build=$1 cc=$2 cmake=$3
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "install: $*" >&2; exit 1; }

"$cmake" --install "$build" --prefix "$work/first" >"$work/log" || { cat "$work/log"; exit 1; }
mv "$work/first" "$work/prefix" # an installed tree may be moved

pc=$(find "$work/prefix" -name lop.pc)
[ -n "$pc" ] || fail "no lop.pc was installed"
PKG_CONFIG_PATH=$(dirname "$pc")
export PKG_CONFIG_PATH
libdir=$(pkg-config --variable=libdir lop)

echo "with pkg-config:"
# shellcheck disable=SC2046 # the flags are several words
"$cc" -std=c11 -Wall -Wextra -Werror "$here/consumer/main.c" -o "$work/by-pkg-config" \
    $(pkg-config --cflags --libs lop)
LD_LIBRARY_PATH=$libdir "$work/by-pkg-config"
# shellcheck disable=SC2046
"$cc" -std=c11 -Wall -Wextra -Werror "$here/consumer/run.c" -o "$work/run-by-pkg-config" \
    $(pkg-config --cflags --libs lop-run)
LD_LIBRARY_PATH=$libdir "$work/run-by-pkg-config"

echo "with find_package(lop):"
"$cmake" -S "$here/consumer" -B "$work/build" -DCMAKE_C_COMPILER="$cc" \
    -DCMAKE_PREFIX_PATH="$work/prefix" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
"$cmake" --build "$work/build" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
"$work/build/consumer"
"$work/build/consumer_run"

echo "another minor version is refused:"
sed 's/lop 0.1/lop 0.0/' "$here/consumer/CMakeLists.txt" >"$work/CMakeLists.txt"
cp "$here/consumer/main.c" "$here/consumer/run.c" "$work"
if "$cmake" -S "$work" -B "$work/other" -DCMAKE_C_COMPILER="$cc" \
    -DCMAKE_PREFIX_PATH="$work/prefix" >/dev/null 2>&1; then
    fail "find_package(lop 0.0) accepted this version"
fi

echo "the program finds its library, and its manual is there:"
env -u LD_LIBRARY_PATH "$work/prefix/bin/lop" --version
[ -s "$work/prefix/share/man/man1/lop-sweep.1" ] || fail "no manual page of lop sweep"
[ -s "$work/prefix/share/bash-completion/completions/lop" ] || fail "no completion"

# The path of the source tree is in nothing that is installed.
source=$(sed -n 's/^lop_SOURCE_DIR:STATIC=//p' "$build/CMakeCache.txt")
if grep -rlF "$source/" "$work/prefix"; then
    fail "these files name the source tree $source"
fi
# Protections: relocations are read-only, the stack is not executable.
lib=$(find "$work/prefix" -name 'liblop.so.*.*.*')
readelf -lW "$lib" | grep -q GNU_RELRO || fail "$lib has no RELRO"
readelf -dW "$lib" | grep -q NOW || fail "$lib is bound lazily"
readelf -hW "$work/prefix/bin/lop" | grep -q 'DYN' || fail "lop is not position-independent"
echo "installed: $(cd "$work/prefix" && find . -type f -o -type l | wc -l) files"
