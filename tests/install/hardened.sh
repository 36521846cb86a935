#!/bin/sh
# hardened.sh CC FILE…: programs and libraries have the usual protections: position-independent, tables
# that the loader fills read-only before the program starts, a stack that is not executable and is
# watched, functions of the C library that know their buffers' sizes, no library that is looked for where
# the caller happens to be (an empty entry of the path is that). First a program without any is
# looked at, and each lack of it must be found.
set -eu
cc=$1
shift
export LC_ALL=C
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

lacks() { # FILE: a line for each protection that is not there
    readelf -W -h -l -d --dyn-syms "$1" >"$work/read"
    grep -q 'Type: *DYN' "$work/read" || echo "position-independent code"
    grep -q 'GNU_RELRO' "$work/read" || echo "read-only relocations"
    grep -q 'BIND_NOW\|Flags:.* NOW' "$work/read" || echo "all symbols bound at the start"
    grep -q 'GNU_STACK .* RW  *0x' "$work/read" || echo "a stack that is not executable"
    grep -q '__stack_chk_fail' "$work/read" || echo "a stack protector"
    grep -q '__[a-z]*_chk@' "$work/read" || echo "fortified functions"
    ! sed -n 's/.*(R.*PATH) .*\[\(.*\)\]$/:\1:/p' "$work/read" | grep -q ':\([^/$]\|:\)' ||
        echo "a library path of absolute directories"
}

cat >"$work/bare.c" <<'C'
#include <stdio.h>
int main(int count, char **words)
{
    char text[64];
    snprintf(text, sizeof text, "%s", words[count - 1]);
    return puts(text) < 0;
}
C
"$cc" -O1 -U_FORTIFY_SOURCE -fno-stack-protector -fno-pie -no-pie -Wl,-z,norelro -Wl,-z,lazy \
    -Wl,-z,execstack -Wl,-rpath,/usr/lib: "$work/bare.c" -o "$work/bare" 2>/dev/null
found=$(lacks "$work/bare" | wc -l)
[ "$found" = 7 ] || { echo "hardened: of 7 protections that a bare program lacks, $found were missed"; exit 1; }

status=0
for file; do
    missing=$(lacks "$file")
    if [ -n "$missing" ]; then
        echo "$missing" | sed "s|^|hardened: $file: lacks |"
        status=1
    fi
done
[ $status = 0 ] && echo "hardened: $# files with all 7 protections"
exit $status
