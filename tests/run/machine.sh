#!/bin/sh
# machine.sh MACHINE ROOT GOLDEN SOURCE…: the runtime, made of these sources, builds for another machine
# with the C library alone, passes its tests there, and computes from the golden packed files what
# the program GOLDEN computes from them here, bit by bit. qemu runs what is built where this machine cannot. Skipped (77) without a cross
# compiler or qemu.
#
# MACHINE  aarch64  with the kernels for NEON, between guard pages
#          i386     pointers of 32 bits
#          s390x    the highest byte of a number comes first
#          memory   this one, by clang with the memory sanitizer: nothing is used that was not written
set -eu
machine=$1
root=$2
golden=$3
shift 3
flags='' kernels=scalar extent=--quick
case $machine in
aarch64) triplet=aarch64-linux-gnu kernels='neon neon_dot' extent='' ;; # its kernels are checked nowhere else
i386) triplet=i686-linux-gnu flags='-msse2 -mfpmath=sse' ;; # both as cmake/flags.cmake has them
memory) triplet='' flags='-fsanitize=memory -fno-sanitize-recover=all -fno-omit-frame-pointer' ;;
s390x) triplet=s390x-linux-gnu flags=-fexcess-precision=fast ;;
*) echo "machine: unknown: $machine" >&2; exit 64 ;;
esac
compiler=${triplet:+$triplet-gcc}
compiler=${compiler:-clang}
static=-static
[ "$machine" != memory ] || static="-fsanitize=memory"
emulator=qemu-$machine
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
command -v "$compiler" >/dev/null || { echo "$machine: skipped, $compiler is not installed"; exit 77; }
echo 'int main(void) { return 0; }' | $compiler $static -x c - -o "$work/nothing"
if "$work/nothing" 2>/dev/null; then
    emulator='' # this machine can do it itself
elif ! command -v "$emulator" >/dev/null; then
    echo "$machine: skipped, $emulator is not installed"
    exit 77
fi

if [ "$machine" = memory ]; then # it is awake: a value that was never written is reported
    # shellcheck disable=SC2086 # several flags
    echo 'int main(int n, char **w) { int a[2]; a[n & 1] = n; return w[0] && a[~n & 1] ? 0 : 1; }' |
        $compiler $flags -x c - -o "$work/fault"
    if "$work/fault" 2>"$work/log" || ! grep -q 'use-of-uninitialized-value' "$work/log"; then
        echo "memory: the sanitizer is asleep"
        exit 1
    fi
fi

compile() { # OBJECT FLAG… SOURCE
    object=$1
    shift
    # shellcheck disable=SC2086 # several flags or none
    $compiler $flags -std=c11 -O1 -fPIC -ffp-contract=off -fvisibility=hidden -Wall -Wextra -Wpedantic \
        -Wshadow -Wconversion -Werror -D_POSIX_C_SOURCE=200809L -D_DEFAULT_SOURCE -DLOP_VERSION='"test"' \
        -I"$root/src" -I"$root/include" -I"$root/tests" -c -o "$object" "$@"
}
t=$work/tests
link() { # PROGRAM OBJECT…
    program=$work/$1
    shift
    $compiler $static -o "$program" "$@" "$t/random.o" "$work"/library/*.o -lm
}
run() { # PROGRAM ARGUMENT…: its last line, or all where it fails
    program=$1
    shift
    $emulator "$work/$program" "$@" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
    tail -n 1 "$work/log"
}

mkdir "$work/library" "$t"
for source; do
    more=
    case $machine:$source in aarch64:*/neon_dot_*) more=-march=armv8.2-a+dotprod ;; esac
    # shellcheck disable=SC2086 # one flag or none
    compile "$work/library/$(basename "$source" .c).o" $more "$source"
done
[ "$machine" = memory ] || # the sanitizer's own functions are in the program
    $compiler -shared -Wl,--no-undefined -o "$work/liblop-run.so" "$work"/library/*.o -lm

cd "$root/tests/run"
compile "$t/random.o" "$root/src/base/random.c"
for name in check_kernels kernel_case bench_kernels guard layers packed saved golden; do
    compile "$t/$name.o" $name.c
done

link check "$t/check_kernels.o" "$t/kernel_case.o" "$t/bench_kernels.o" "$t/guard.o" "$t/layers.o"
for isa in $kernels; do
    # shellcheck disable=SC2086 # one word or none
    run check --isa "$isa" $extent
done

# The runtime's cmocka programs, with a header of our own in the place of cmocka.
for name in model scalar inputs coder plan plan_text; do
    compile "$t/test_$name.o" -Wno-conversion -I"$root/tests/run/machine" $name.c
    set --
    case $name in
    scalar) set -- "$t/layers.o" ;;
    inputs) set -- "$t/guard.o" ;;
    plan) set -- "$t/packed.o" "$t/saved.o" -Wl,--wrap=malloc -Wl,--wrap=calloc -Wl,--wrap=realloc \
        -Wl,--wrap=aligned_alloc ;;
    plan_text) set -- "$t/packed.o" "$t/saved.o" ;;
    esac
    link test_$name "$t/test_$name.o" "$@"
    run test_$name
done

link golden "$t/golden.o"
"$golden" "$root"/tests/pack/golden/*.lop >"$work/here.txt"
$emulator "$work/golden" "$root"/tests/pack/golden/*.lop >"$work/there.txt"
diff "$work/here.txt" "$work/there.txt" >&2 || { echo "$machine: golden files yield other values"; exit 1; }
echo "$machine: $(wc -l <"$work/there.txt") values of golden files, bit by bit those of this machine"
