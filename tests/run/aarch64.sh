#!/bin/sh
# aarch64.sh ROOT SOURCE…: the runtime, made of these sources, builds for aarch64 with the C library
# alone, and check_kernels finds nothing wrong with its kernels when qemu runs them. Skipped (77)
# without a cross compiler or qemu.
set -eu
root=$1
shift
compiler=aarch64-linux-gnu-gcc
for tool in $compiler qemu-aarch64; do
    command -v "$tool" >/dev/null || { echo "aarch64: skipped, $tool is not installed"; exit 77; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

compile() { # SOURCE FLAG…: to an object of the same name in $objects
    source=$1
    shift
    $compiler -std=c11 -O1 -fPIC -ffp-contract=off -fvisibility=hidden -Wall -Wextra -Wpedantic -Wshadow \
        -Wconversion -Werror -D_POSIX_C_SOURCE=200809L -D_DEFAULT_SOURCE -DLOP_VERSION='"test"' \
        -I"$root/src" -I"$root/include" "$@" -c "$source" -o "$objects/$(basename "$source" .c).o"
}

objects=$work/library
mkdir "$work/library" "$work/tests"
for source; do
    case $source in
    */neon_dot_*) compile "$source" -march=armv8.2-a+dotprod ;;
    *) compile "$source" ;;
    esac
done
$compiler -shared -Wl,--no-undefined -o "$work/liblop-run.so" "$work"/library/*.o -lm

objects=$work/tests
for source in check_kernels kernel_case bench_kernels guard layers; do
    compile "$root/tests/run/$source.c"
done
compile "$root/src/base/random.c"
$compiler -static -o "$work/check" "$work"/*/*.o -lm
qemu-aarch64 "$work/check" --isa neon
qemu-aarch64 "$work/check" --isa neon_dot
