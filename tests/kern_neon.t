#!/bin/sh
# The ARM kernels, cross-compiled and run under qemu-user on processors with and without dot products and i8mm.
set -u
cross=${AARCH64_CC:-aarch64-linux-gnu-gcc}
qemu=
for q in qemu-aarch64 qemu-aarch64-static; do
    if command -v "$q" >/dev/null 2>&1; then qemu=$q; break; fi
done
if [ "$(uname -m)" = aarch64 ]; then echo "1..0 # SKIP this processor runs the ARM kernels in test_kern"; exit 0; fi
if ! command -v "$cross" >/dev/null 2>&1; then echo "1..0 # SKIP no $cross"; exit 0; fi
if [ -z "$qemu" ]; then echo "1..0 # SKIP no qemu-aarch64"; exit 0; fi

dir=${BUILD:-build}/arm
mkdir -p "$dir"
flags="-std=c11 -O1 -D_POSIX_C_SOURCE=200809L -Iinclude -Isrc -Itests -ffp-contract=off -Wall -Wextra -Werror"
failed=0
objects=
for source in src/kern/*.c src/sys/cpu_isa.c src/sys/clock.c src/base/*.c tests/kern/main.c; do
    case $source in
        *_avx2.c|*_avx512.c|*_avx512vnni.c|*_avx512bf16.c|src/kern/bench*.c|src/kern/team.c|src/kern/sample.c) continue;;
        *_dotprod.c) isa=-march=armv8.2-a+dotprod+fp16;;
        *_i8mm.c) isa=-march=armv8.2-a+dotprod+fp16+i8mm;;
        *) isa=;;
    esac
    object=$dir/$(echo "$source" | tr / _).o
    objects="$objects $object"
    # Built already, and nothing it could depend on is newer.
    if [ -f "$object" ] && [ -z "$(find "$source" src/kern include tests/kern -name '*.[hd]*' -newer "$object"; \
                                   find "$source" -newer "$object")" ]; then
        continue
    fi
    # shellcheck disable=SC2086
    $cross $flags $isa -c -o "$object" "$source" || failed=1
done
# shellcheck disable=SC2086
[ $failed = 0 ] && $cross -static -o "$dir/kern" $objects -lm || failed=1

n=0
result() { n=$((n + 1)); if [ "$1" = 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; fi; }
echo "1..4"
result $failed "the ARM kernels compile without a warning"
run() { # run CPU WHAT EXPECTED-NAMES: passes, and really ran kernels of these names
    out=$dir/$1.tap
    timeout 300 "$qemu" -cpu "$1" "$dir/kern" >"$out" 2>&1
    code=$?
    for name in $3; do
        grep -q "^ok .* $name\$" "$out" || { echo "# no kernel named $name ran"; code=1; }
    done
    [ $code = 0 ] || grep -B3 '^not ok' "$out" | head -20 | sed 's/^/# /'
    result $code "$2"
}
run max "dot products and i8mm agree with scalar" "scalar neon dotprod i8mm"
run neoverse-n1 "dot products without i8mm agree with scalar" "scalar neon dotprod"
run cortex-a72 "plain NEON agrees with scalar" "scalar neon"
