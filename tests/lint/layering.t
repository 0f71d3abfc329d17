#!/bin/sh
# Who includes whom: base < core < the rest; libraries behind one layer each.
. tests/tap.sh

# Layers that each layer may include, itself among them; a header of include/plimsoll/ belongs to the layer named here.
cat >"$tap_tmp/rules" <<'RULES'
layer base base
layer core base core data
layer sys base core sys
layer kern base core sys kern data
layer probe base core sys probe
layer gguf base core sys gguf
layer catalog base core sys catalog
layer render base core render
layer cli base core sys kern probe gguf catalog render cli
header base base arena sort text
header core calibrate ability ask card card_fields.def compute machine place plan profile publisher quant rank rates search size speed tensor
header sys sys
header kern kern bench
header probe probe
header gguf gguf
header catalog catalog
header render render
RULES

found=$(grep -nE '^ *# *include +"' src/*/*.[ch] src/*/*.def include/plimsoll/* 2>/dev/null | awk -v rules="$tap_tmp/rules" '
BEGIN {
    while ((getline line < rules) > 0) {
        n = split(line, w, " ")
        for (i = 3; i <= n; i++) if (w[1] == "layer") allowed[w[2], w[i]] = 1; else owner[w[i]] = w[2]
    }
}
{
    split($0, part, ":"); path = part[1]
    match($0, /"[^"]*"/); name = substr($0, RSTART + 1, RLENGTH - 2)
    m = split(path, dir, "/"); from = dir[1] == "src" ? dir[2] : ""
    file = dir[m]; sub(/\.h$/, "", file)
    if (dir[1] == "include") { from = owner[file]; if (from == "") print path ": header without a layer" }
    if (name ~ /^plimsoll\//) {
        key = substr(name, 10); sub(/\.h$/, "", key)
        to = owner[key]
        if (to == "") { print path ": includes " name ", a header without a layer"; next }
    } else if (name ~ /\//) { split(name, t, "/"); to = t[1] }
    else to = from
    if (!((from, to) in allowed)) print path ":" part[2] ": " from " may not include " name
}')
empty "every layer includes only what is below it" "$found"

only() { # NAME HEADER-PATTERN FILE-PATTERN: nobody else includes it
    empty "$1" "$(grep -lE "^ *# *include +[<\"]$2" src/*/*.[ch] include/plimsoll/* | grep -vE "$3")"
}
only "hwloc in one file of probe" 'hwloc' '^src/probe/topology\.c$'
only "sqlite3 in catalog" 'sqlite3' '^src/catalog/'
only "cJSON in render and the JSON readers of gguf" '(cjson/)?cJSON' '^src/(render|gguf)/'
only "libsmartcols in render" 'libsmartcols' '^src/render/'
only "SIMD intrinsics in kern" '(immintrin|arm_neon|x86intrin|cpuid)' '^src/(kern|sys)/'
empty "nothing in src includes a test" "$(grep -nE '^ *# *include +".*(tests?/|unit\.h)' src/*/*.[ch])"
done_testing
