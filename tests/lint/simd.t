#!/bin/sh
# The vector width a kernel file's name promises is in its object and in no other: an AVX-512 instruction that strays into
# common code would crash every machine without it, and a file without its own instructions measures something else.
set -u
build=${BUILD:-build}
if [ "$(uname -m)" != x86_64 ]; then echo "1..0 # SKIP x86 objects only"; exit 0; fi
if ! command -v objdump >/dev/null 2>&1; then echo "1..0 # SKIP no objdump"; exit 0; fi

objects=$(find "$build/src" -name '*.o' 2>/dev/null | sort)
if [ -z "$objects" ]; then echo "1..0 # SKIP nothing built in $build"; exit 0; fi

n=0
result() { n=$((n + 1)); if [ "$1" = 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; fi; }

wide512='%zmm|%ymm(1[6-9]|2[0-9]|3[01])|%xmm(1[6-9]|2[0-9]|3[01])|%k[0-7]'
vnni='vpdp(bus|wss)'
bf16='vdpbf16ps'
for object in $objects; do
    name=${object#"$build"/}
    code=$(objdump -d --no-show-raw-insn "$object")
    ymm=$(echo "$code" | grep -c '%ymm')
    zmm=$(echo "$code" | grep -cE "$wide512")
    dot=$(echo "$code" | grep -cE "$vnni")
    brain=$(echo "$code" | grep -c "$bf16")
    bad=0
    case $name in
        *_avx2.o)       [ "$ymm" -gt 0 ] && [ "$zmm" = 0 ] && [ "$dot" = 0 ] && [ "$brain" = 0 ] || bad=1; want="256 bits and no more";;
        *_avx512.o)     [ "$zmm" -gt 0 ] && [ "$dot" = 0 ] && [ "$brain" = 0 ] || bad=1; want="512 bits without VNNI";;
        *_avx512vnni.o) [ "$zmm" -gt 0 ] && [ "$dot" -gt 0 ] && [ "$brain" = 0 ] || bad=1; want="512 bits with VNNI";;
        *_avx512bf16.o) [ "$zmm" -gt 0 ] && [ "$dot" = 0 ] && [ "$brain" -gt 0 ] || bad=1; want="512 bits with BF16";;
        *)              [ "$ymm" = 0 ] && [ "$zmm" = 0 ] && [ "$dot" = 0 ] && [ "$brain" = 0 ] || bad=1; want="no wide vectors";;
    esac
    result $bad "$name has $want"
    [ $bad = 0 ] || echo "# ymm $ymm, zmm $zmm, vnni $dot, bf16 $brain"
done

# Every vector function of a file is wide, not only one of them: plain C between intrinsics is not what the name says.
for object in "$build"/src/kern/*_avx512*.o; do
    narrow=$(objdump -d --no-show-raw-insn "$object" | awk '
        /^[0-9a-f]+ <pls_/ { if (f != "" && !wide && !calls) print f; f = $2; wide = 0; calls = 0 }
        /%zmm/ { wide = 1 }
        /call|jmp.*<pls_|jmp.*R_X86/ { calls = 1 }
        END { if (f != "" && !wide && !calls) print f }')
    result "$([ -z "$narrow" ]; echo $?)" "every function of ${object#"$build"/} is 512 bits wide or hands on to one that is"
    [ -z "$narrow" ] || echo "# $narrow"
done
echo "1..$n"
