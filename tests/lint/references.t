#!/bin/sh
# What comments and manuals point at is there: no document that the reader cannot open, no section that the manual does not
# have, no file that is gone; and numbers of plimsoll(7) are those of the code.
. tests/tap.sh
page=man/plimsoll.7
code=$(ls src/*/*.[ch] src/*/*.def include/plimsoll/*.h include/plimsoll/*.def tools/*.c data/*.def data/*.sql Makefile 2>/dev/null)
texts="$code $(ls tests/*.t tests/unit/*.[ch] tests/speed/* tests/lint/*.t man/*.[157] data/README README.md CHANGELOG.md 2>/dev/null | grep -v '^tests/lint/references\.t$')"

# Documents: capitals that end in .md and are no file here, capitals with a section number, "section 5", paragraph signs.
documents() {
    grep -noE '\<[A-Z][A-Z_]+\.md\>' "$@" | while IFS=: read -r file line name; do
        [ -f "$name" ] || echo "$file:$line: $name is not here"; done
    grep -nE '\<(MEMORY|QUALITY|HARDWARE|SPEED|MODELS|PEERS|DESIGN|STYLE) [0-9]+\.[0-9]' "$@"
    grep -nE '(^|[^a-z])[Ss]ection [0-9]|§' "$@"
}
empty "no reference to a document that is not here" "$(documents $texts)"

# Sections: "plimsoll(7), KV CACHE" begins with the name of a section or subsection, on one line.
sed -nE 's/^\.S[hs] //p' $page >"$tap_tmp/sections"
sections() {
    awk 'NR == FNR { name[$0]; next }
        { rest = $0
          while ((at = index(rest, "plimsoll(7)")) > 0) {
              rest = substr(rest, at + 11); found = 0
              for (n in name) if (index(rest, ", " n) == 1) found = 1
              if (!found) print FILENAME ":" FNR ": plimsoll(7)" substr(rest, 1, 40)
          } }' "$tap_tmp/sections" "$@"
}
empty "every section of plimsoll(7) that a comment names exists" "$(sections $code)"
is "the manual has sections" "$([ "$(wc -l <"$tap_tmp/sections")" -ge 20 ] && echo yes)" yes

# Files: paths below these folders, with an ending.
paths() {
    grep -noE '\<(src|include|tests|tools|data|man)/[A-Za-z0-9_./-]+\.(c|h|t|def|tsv|sql|json|[157])\>' "$@" | while IFS=: read -r file line path; do
        [ -e "$path" ] || echo "$file:$line: $path is not here"; done
}
empty "every file that a comment names exists" "$(paths $(echo "$code" | grep -v Makefile) man/*.[157] README.md data/README)"

# Numbers: a line `.\" held by FILE: TEXT` of the manual stands beside what it says of that text.
held() {
    sed -n 's/^\.\\" held by //p' "$1" | while IFS= read -r line; do
        file=${line%%: *} text=${line#*: }
        [ "$file" = FILE ] || grep -qF -- "$text" "$file" || echo "$file no longer says: $text"; done
}
empty "numbers of the manual are those of the code" "$(held $page)"
is "many numbers are held" "$([ "$(grep -c '^\.\\" held by' $page)" -ge 25 ] && echo yes)" yes

# What is counted.
counted() { grep -qF -- "$2" $page || echo "the manual does not say: $2 ($1)"; }
empty "counts of the manual are those of the code" "$(
    counted src/core/arch_rows.c "rows for $(grep -c '^    { "' src/core/arch_rows.c) architectures"
    counted src/core/graph_traits.c "built for $(grep -c '\.arch = "' src/core/graph_traits.c) architectures"
    counted data/scales.tsv "over $(grep -v '^#' data/scales.tsv | tail -n +2 | wc -l | tr -d ' ') benchmarks")"

# The measures can fail.
printf '%s\n' '/* as QUALITY''.md section 5 says */' '/* plimsoll(7), NO SUCH THING */' '/* tests/unit/test_gone.c */' >"$tap_tmp/bad.c"
printf '%s\n' '.\" held by Makefile: no such text' >"$tap_tmp/bad.7"
is "a lost document is found" "$(documents "$tap_tmp/bad.c" | wc -l | tr -d ' ')" 2
is "a lost section is found" "$(sections "$tap_tmp/bad.c" | wc -l | tr -d ' ')" 1
is "a lost file is found" "$(paths "$tap_tmp/bad.c" | wc -l | tr -d ' ')" 1
is "a changed number is found" "$(held "$tap_tmp/bad.7" | wc -l | tr -d ' ')" 1
done_testing
