#!/bin/sh
# No mutable globals: nothing of src lies in .data or .bss (tables of pointers lie in .data.rel.ro).
. tests/tap.sh
command -v objdump >/dev/null || { skip "no mutable globals" "no objdump here"; done_testing; exit; }
found=$(for o in "$BUILD"/src/*/*.o; do
    objdump -t "$o" | awk -v o="$o" '
        { section = ""; for (i = 2; i <= NF; i++) if ($i ~ /^\.(data|bss|tdata|tbss)/ || $i == "*COM*") { section = $i; break } }
        section != "" && section !~ /^\.data\.rel\.ro/ && $0 ~ / O / { print o ": " $NF " in " section }'
done)
empty "no object holds a mutable global" "$found"
# The check itself must be able to fail.
if command -v "${CC:-cc}" >/dev/null; then
    echo 'int counter = 3; static int hidden; int *touch(void) { return &hidden; }' >"$tap_tmp/bad.c"
    ${CC:-cc} -c -o "$tap_tmp/bad.o" "$tap_tmp/bad.c"
    is "a global would be found" "$(objdump -t "$tap_tmp/bad.o" | grep -cE ' O \.(data|bss)')" 2
fi
done_testing
