#!/bin/sh
# deps.sh [GROUP…]: install what is missing of build, test, demo and bench (default: build).
#
# On Debian and what derives from it: says what is missing and installs it by apt-get, with sudo where
# one is not root. Elsewhere: prints what is needed, and ends with 69 (a service is unavailable).
# Quick where nothing is missing.
set -eu
cd "$(dirname "$0")/.."

# One line a package: its group, Debian's name, and, where another package may give the same, the
# command that is enough. Keep the list of docs/design.md in step.
packages='
build build-essential
build cmake
build ninja-build
build pkg-config
build libdnnl-dev
build liblapacke-dev
build libopenblas-openmp-dev
build libjansson-dev
build libzstd-dev
build libcyaml-dev
build libmd-dev
build libyaml-dev
build zlib1g-dev
build nodejs node
build npm npm
build clang clang
build lld wasm-ld
build wasi-libc
demo  gnuplot-nox gnuplot
test  binutils
test  clang
test  clang-format
test  chromium chromium
test  clang-tidy
test  cppcheck
test  dataset-fashion-mnist
test  faketime faketime
test  gcc-aarch64-linux-gnu
test  gcc-i686-linux-gnu
test  gcc-s390x-linux-gnu
test  gcovr
test  gnuplot-nox gnuplot
test  libc6-dev-arm64-cross
test  libc6-dev-i386-cross
test  libc6-dev-s390x-cross
test  libclang-rt-dev
test  libcmocka-dev
test  libomp-dev
test  libsimde-dev
test  llvm
test  groff
test  qemu-user qemu-aarch64
test  python3
test  python3-numpy
test  shellcheck
bench libgraphblas-dev
bench python3
bench python3-numpy
bench python3-torch
bench gnuplot-nox gnuplot
'

groups=${*:-build}
for group in $groups; do
    case $group in
    build | test | demo | bench) ;;
    *) echo "deps: unknown group '$group'; there are build, test, demo and bench" >&2; exit 64 ;;
    esac
done

wanted() { # packages of the groups asked for, less those whose command is there
    echo "$packages" | while read -r group package command; do
        case " $groups " in *" $group "*) ;; *) continue ;; esac
        if [ -z "$command" ] || ! command -v "$command" >/dev/null; then
            echo "$package"
        fi
    done | sort -u
}

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    missing=$(wanted | tr '\n' ' ')
    echo "deps: this is not a Debian system, so nothing can be installed for you." >&2
    echo "deps: needed here, under Debian's names: $missing" >&2
    exit 69
fi

# shellcheck disable=SC2046 # the names are several words
installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' $(wanted) 2>/dev/null |
    sed -n 's/^installed //p' | sort -u)
missing=$(wanted | while read -r package; do
    echo "$installed" | grep -qx -- "$package" || echo "$package"
done | tr '\n' ' ')

if [ -n "$missing" ]; then
    as_root=
    if [ "$(id -u)" != 0 ]; then
        as_root=sudo
        if ! command -v sudo >/dev/null; then
            echo "deps: missing: $missing" >&2
            echo "deps: install them as root: apt-get install $missing" >&2
            exit 69
        fi
    fi
    echo "deps: installing ${as_root:+by sudo }with apt-get: $missing"
    $as_root apt-get -qq -o DPkg::Lock::Timeout=300 update
    log=$(mktemp)
    # shellcheck disable=SC2086 # the names are several words
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends \
        -o DPkg::Lock::Timeout=300 install $missing >"$log" 2>&1 || {
        tail -n 20 "$log" >&2
        rm -f "$log"
        exit 74
    }
    rm -f "$log"
fi

# Packages of npm, at the versions that a lock file fixes; those for tests only where they are asked for.
npm_packages() { # DIRECTORY WHAT-TESTS-NEED
    omit=--omit=dev
    case " $groups " in *" test "*) omit= ;; esac
    if [ -f "$1/package-lock.json" ] && { ! cmp -s "$1/package-lock.json" "$1/node_modules/.lop-lock" ||
        { [ -z "$omit" ] && [ -n "$2" ] && [ ! -d "$1/node_modules/$2" ]; }; }; then
        echo "deps: npm ci ($1/node_modules/, from $1/package-lock.json)"
        # shellcheck disable=SC2086 # none or one word
        (cd "$1" && npm ci $omit --no-audit --no-fund --ignore-scripts --loglevel=error)
        cp "$1/package-lock.json" "$1/node_modules/.lop-lock"
    fi
}
npm_packages . playwright-core # the page's charts, and what steers the browser
case " $groups " in *" bench "*) npm_packages bench "" ;; esac # ONNX Runtime
