#!/bin/sh
# The measured throughput of the kernels against the engine's (tests/calibration/kernels.tsv): nothing of the kernel table is missing in
# it, no kernel is slower than nine tenths of the engine's, the median of each operation and path is no slower. Measures nothing.
set -u
build=${BUILD:-build}
table=tests/calibration/kernels.tsv
n=0
result() { n=$((n + 1)); if [ "$1" = 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; fi; }
rows() { awk -F '\t' '!/^#/ && $1 != "type"' "$table"; }

if [ "$(uname -m)" = x86_64 ]; then
    # On the AVX-512 path a type may run its AVX2 kernel, so only the names on the avx2 path must agree.
    missing=$("$build/plimsoll" bench --list --format csv | awk -F, '
        NR == FNR { split($0, f, "\t"); have[f[1], f[2], f[3], f[4]] = 1; next }
        ($2 == "dot" || $2 == "gemv" || $2 == "gemm") && $3 == "avx2" && !(($1, $2, "avx2", $3) in have) { print $1, $2, $3 }
        ($2 == "dot" || $2 == "gemv" || $2 == "gemm") && $3 ~ /avx512(vnni)?$/ {
            if (!(($1, $2, "avx512", $3) in have) && $1 != "bf16") print $1, $2, $3 }' "$table" -)
    result "$([ -z "$missing" ]; echo $?)" "every kernel of the table was measured"
    [ -z "$missing" ] || echo "$missing" | sed 's/^/# /'
else
    result 0 "every kernel of the table was measured # SKIP x86 kernels"
fi
slow=$(rows | awk -F '\t' '$6 < 0.9 || $7 < 0.9')
result "$([ -z "$slow" ]; echo $?)" "none is slower than nine tenths of the engine's"
[ -z "$slow" ] || echo "$slow" | sed 's/^/# /'
behind=$(rows | awk -F '\t' '{ print $2, $3, $6; print $2, $3, $7 }' | sort -k1,2 -k3n | awk '
    { key = $1 " " $2; if (key != last && last != "") tell(); last = key; v[++m] = $3 }
    function tell() { if (v[int((m + 1) / 2)] < 1) print last; m = 0 }
    END { tell() }')
result "$([ -z "$behind" ]; echo $?)" "the median of every operation and path is no slower"
[ -z "$behind" ] || echo "# $behind"
shown=$(rows | awk 'END { print NR }')
result "$([ "$shown" -ge 90 ]; echo $?)" "the table holds them all ($shown rows)"
echo "1..$n"
