#!/bin/sh
# Functions that can be read at a glance, files that can be read in a sitting, lines that fit.
. tests/tap.sh

# "{" alone in the first column opens a function, "}" closes it: the brace style of the project.
measure='
FNR == 1 { inside = 0; head = "" }
/^[A-Za-z_].*\(/ && !/;$/ && !/^(struct|enum|union|typedef)[^(]*\{/ && !inside { head = $0; at = FNR }
!inside && head != "" && FNR > at && !/^[{}]/ { head = head " " $0 }
/;[ ]*$/ && !inside { head = "" }
/^\{$/ && head != "" { inside = 1; start = FNR; name = head; params(name) }
/^\}$/ && inside {
    inside = 0; long = FNR - start - 1
    limit = FILENAME ~ /\/kern\// ? 110 : 70
    if (long > limit) print FILENAME ":" start ": " title(name) " has " long " lines (at most " limit ")"
    head = ""
}
inside && match($0, /^ *(if|for|while|switch|do) ?[({]/) {
    indent = match($0, /[^ ]/) - 1
    if (indent > 12) print FILENAME ":" FNR ": nested deeper than 3"
}
function title(h) { sub(/\(.*/, "", h); sub(/.*[ *]/, "", h); return h }
function params(h,  i, c, depth, n) {
    # A signature that a library dictates says so: "(/* as SQLite calls it */ ...".
    if (h ~ /\/\* as [A-Za-z0-9]+ calls it \*\//) return
    # How failures and scratch memory travel is no part of the question.
    gsub(/,[^,]*struct pls_err \*[a-z_]+/, "", h); gsub(/,[^,]*struct pls_arena \*scratch/, "", h)
    sub(/^[^(]*\(/, "", h); n = h ~ /^(void)?\)/ ? 0 : 1
    for (i = 1; i <= length(h); i++) {
        c = substr(h, i, 1)
        if (c == "(") depth++
        else if (c == ")") { if (depth-- == 0) break }
        else if (c == "," && depth == 0) n++
    }
    if (n > (FILENAME ~ /\/kern\// ? 6 : 5)) print FILENAME ":" at ": " title(name) " takes " n " parameters (at most 5)"
}'
found=$(awk "$measure" src/*/*.c)
empty "functions: at most 70 lines (kernels 110), 5 (6) parameters besides error and scratch, nesting 3" "$found"
empty "files: at most 600 lines" "$(wc -l src/*/*.[ch] include/plimsoll/*.h tools/*.c tests/unit/*.c 2>/dev/null | awk '$2 != "total" && $1 > 600 { print $2 ": " $1 " lines" }')"
empty "lines: at most 110 columns, no tabs, no trailing blanks" \
    "$(awk 'length($0) > 110 { print FILENAME ":" FNR ": " length($0) " columns" } /\t/ { print FILENAME ":" FNR ": tab" } /[ \t]$/ { print FILENAME ":" FNR ": trailing blank" }' src/*/*.[ch] include/plimsoll/*.h)"
empty "typedefs name functions only" "$(grep -nE '^ *typedef +(struct|enum|union)[^(]*;' src/*/*.[ch] include/plimsoll/*.h)"
empty "comments: no TODO left behind" "$(grep -nE '(TODO|FIXME|XXX|HACK)' src/*/*.[ch] include/plimsoll/*.h)"

# The measure itself must be able to fail.
{ echo "int f(int a, int b, int c, int d, int e, int g)"; echo "{"; i=0; while [ $i -lt 71 ]; do echo "    x();"; i=$((i + 1)); done; echo "}"; } >"$tap_tmp/bad.c"
is "a long function with many parameters would be found" "$(awk "$measure" "$tap_tmp/bad.c" | wc -l | tr -d ' ')" 2
done_testing
