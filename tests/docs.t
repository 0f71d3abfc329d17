#!/bin/sh
# Manual, completion and README against the program: every option in all of them, every example runs.
. tests/tap.sh
page=man/plimsoll.1
"$PLIMSOLL" --list-options >"$tap_tmp/options"

if command -v mandoc >/dev/null; then
    for m in man/*.[157]; do empty "mandoc has no complaint about $m" "$(mandoc -Tlint -W style "$m" 2>&1 | grep -vE 'mandoc\.db|referenced manual not found: Xr plimsoll')"; done
else
    skip "mandoc has no complaint" "no mandoc here"
fi

# ---- options: those of ".It" lines are exactly those of the table, long and short
awk -F '\t' '$1 == "option" { sub(/^--/, "-", $2); print $2; if ($3 != "") { sub(/^-/, "", $3); print $3 } }' "$tap_tmp/options" | sort >"$tap_tmp/table"
sed -n 's/^\.It Fl //p' $page | awk '{ for (i = 1; i <= NF; i++) { if (i == 1 || $(i - 1) == "Fl") print $i; else if ($i !~ /^(,|Fl)$/) break } }' | sort >"$tap_tmp/manual"
empty "the manual has every option and no other" "$(diff "$tap_tmp/table" "$tap_tmp/manual")"
awk -F '\t' '$1 == "command" { print $2 }' "$tap_tmp/options" | sort >"$tap_tmp/table"
sed -n 's/^\.It Cm \([a-z]*\).*/\1/p' $page | sort >"$tap_tmp/manual"
empty "the manual has every command and no other" "$(diff "$tap_tmp/table" "$tap_tmp/manual")"
# Choices are spelled out in the manual.
for choice in $(awk -F '\t' '$4 == "choice" { gsub(/\|/, " ", $5); print $5 }' "$tap_tmp/options"); do
    grep -Eq "(^|[ |])$choice( |$|\|)" $page || missing="${missing:-} $choice"
done
empty "the manual names every choice" "${missing:-}"

# ---- examples run, in a folder of their own, as the manual shows them
mkdir -p "$tap_tmp/bin" "$tap_tmp/desk"
real=$(cd "$(dirname "$PLIMSOLL")" && pwd)/plimsoll
ln -s "$real" "$tap_tmp/bin/plimsoll"
examples() { sed -n 's/^\.Dl \$ //p' $page | sed 's/\\(dq/"/g'; }
examples | while IFS= read -r line; do
    if ! (cd "$tap_tmp/desk" && PATH="$tap_tmp/bin:$PATH" sh -c "$line" >out 2>err); then
        code=$?
        echo "status $code: $line: $(cat "$tap_tmp/desk/err")"
    elif [ -s "$tap_tmp/desk/err" ]; then
        echo "stderr: $line: $(cat "$tap_tmp/desk/err")"
    fi
done >"$tap_tmp/bad"
# Small machines may answer no (status 1) to some of them; what may not happen is a failure or a complaint.
empty "every example of the manual runs" "$(grep -vE '^status 1:' "$tap_tmp/bad")"
is "there are examples" "$([ "$(examples | wc -l)" -ge 10 ] && echo yes)" yes

# ---- completion
if command -v bash >/dev/null; then
    complete_line() { # words of a command line, the last one unfinished
        PATH="$tap_tmp/bin:$PATH" bash -c '
            . completions/plimsoll.bash
            COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
            _plimsoll; printf "%s\n" "${COMPREPLY[@]}"' bash "$@" | sort | tr '\n' ' '
    }
    is "commands complete" "$(complete_line plimsoll p)" "plan probe "
    is "options complete" "$(complete_line plimsoll plan --con)" "--context "
    is "choices complete" "$(complete_line plimsoll plan --flash-attn o)" "off on "
    is "choices of short options complete" "$(complete_line plimsoll plan -fa a)" "auto "
    is "options of other commands are not offered" "$(complete_line plimsoll probe --quan)" " "
    is "model names complete" "$(complete_line plimsoll catalog show gpt-oss-20)" "gpt-oss-20b "
    every=$(awk -F '\t' '$1 == "option" && index(" " $6, " plan ") { print $2 }' "$tap_tmp/options" | sort | tr '\n' ' ')
    is "every option of plan is offered" "$(complete_line plimsoll plan -- | tr ' ' '\n' | grep '^--' | sort | tr '\n' ' ')" "$every"
else
    skip "completion" "no bash here"
fi

# ---- README: opens with the two commands, and shows no option that does not exist
if [ -f README.md ]; then
    is "README opens with make run and make check" "$(awk '$1 == "make" { print $2 }' README.md | head -2 | tr '\n' ' ')" "run check "
    unknown=$(grep -oE '(^|[ `])--[a-z][a-z-]+' README.md | tr -d ' `' | sort -u | while read -r o; do
        grep -q "	$o	" "$tap_tmp/options" || echo "$o"; done)
    empty "README names only options that exist" "$unknown"
fi
done_testing
