#!/bin/sh
# reproducible.sh: the sources, built in two directories of different names and lengths, at different
# times, yield the same bytes: libraries, program, WebAssembly modules, manual pages. Some minutes.
set -eu
cd "$(dirname "$0")/.."
scripts/deps.sh build
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct 2>/dev/null || echo 1)
export SOURCE_DATE_EPOCH
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mkdir -p "$work/one/source" "$work/another and longer"
git ls-files -z | xargs -0 cp --parents -t "$work/one/source"
cp -r node_modules "$work/one/source/" 2>/dev/null || true
cp -r "$work/one/source" "$work/another and longer/"

build() { # DIRECTORY: what is installed from the sources there
    if ! { cmake -S "$work/$1/source" --preset release && cmake --build "$work/$1/source/build/release" &&
        cmake --install "$work/$1/source/build/release" --prefix "$work/$1/prefix"; } >"$work/log" 2>&1; then
        tail -n 20 "$work/log" >&2
        exit 70
    fi
    cp -r "$work/$1/source/build/release/wasm" "$work/$1/prefix/" 2>/dev/null || true
    (cd "$work/$1/prefix" && find . -type f ! -name '*.o' ! -name '*.d' -exec sha256sum {} + | sort -k 2) >"$work/$1/sums"
}
build one
build "another and longer"
count=$(wc -l <"$work/one/sums")
if ! diff "$work/one/sums" "$work/another and longer/sums"; then
    echo "reproducible: the files above differ"
    exit 1
fi
[ "$count" -gt 10 ] || { echo "reproducible: only $count files were built"; exit 70; }
echo "reproducible: $count files, the same bytes from two directories"
