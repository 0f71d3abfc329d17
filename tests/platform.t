#!/bin/sh
# Files for other systems are read by a compiler for that system, against the stub headers of tests/stubs. It proves
# syntax, types and warnings; not that the calls answer.
set -u
WARN="-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes -Wmissing-prototypes
      -Wcast-qual -Wwrite-strings -Wundef -Wvla -Werror"

echo 1..5
n=0
ok() { # ok STATUS NAME [OUTPUT]
    n=$((n + 1))
    if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; echo "${3:-}" | sed 's/^/# /'; fi
}
skip() { n=$((n + 1)); echo "ok $n - $1 # SKIP $2"; }

check() { # check NAME TARGET STUBS FILE...
    name=$1 target=$2 stubs=$3
    shift 3
    if ! command -v clang >/dev/null; then skip "$name" "no clang"; return; fi
    out=$(clang --target="$target" -std=c11 -ffreestanding -nostdlibinc -fsyntax-only $WARN -D_POSIX_C_SOURCE=200809L \
        -Iinclude -Isrc -isystem "tests/stubs/$stubs" -isystem tests/stubs/common "$@" 2>&1)
    ok $? "$name" "$out"
}

check "os_macos.c for Apple silicon" arm64-apple-macos13 darwin src/probe/os_macos.c src/sys/cpu_isa.c
check "os_macos.c for Intel Macs" x86_64-apple-macos13 darwin src/probe/os_macos.c
check "os_freebsd.c" x86_64-unknown-freebsd14 freebsd src/probe/os_freebsd.c
check "os_none.c" x86_64-unknown-freebsd14 freebsd src/probe/os_none.c

# A stub that is wrong must not hide: the same check fails on a call the stubs do not declare.
bad=$(mktemp -d)
printf '#include <mach/mach.h>\nint f(void);\nint f(void) { return no_such_call(); }\n' >"$bad/bad.c"
if command -v clang >/dev/null; then
    clang --target=arm64-apple-macos13 -std=c11 -ffreestanding -nostdlibinc -fsyntax-only $WARN \
        -isystem tests/stubs/darwin "$bad/bad.c" 2>/dev/null
    [ $? -ne 0 ]
    ok $? "an undeclared call is noticed"
else
    skip "an undeclared call is noticed" "no clang"
fi
rm -rf "$bad"
