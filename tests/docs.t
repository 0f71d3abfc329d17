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
    "$PLIMSOLL" catalog export gpt-oss-20b >"$tap_tmp/own.json" && "$PLIMSOLL" catalog add "$tap_tmp/own.json" >/dev/null
    is "cards that can be removed complete" "$(complete_line plimsoll catalog remove "")" "gpt-oss-20b "
    is "files that can be added complete" "$(complete_line plimsoll catalog add "$tap_tmp/own.js")" "$tap_tmp/own.json "
    "$PLIMSOLL" catalog remove gpt-oss-20b >/dev/null
    is "model names complete" "$(complete_line plimsoll catalog show gpt-oss-20)" "gpt-oss-20b "
    is "models with a quantization complete, joined where bash parts them" "$(complete_line plimsoll plan qwen3-8b : Q4_K_)" "Q4_K_M Q4_K_S "
    is "quantizations complete" "$(complete_line plimsoll fit -q iq4_)" "IQ4_NL IQ4_XS "
    is "hardware completes" "$(complete_line plimsoll fit --on rtx-4070-ti-s)" "rtx-4070-ti-super "
    is "help completes commands" "$(complete_line plimsoll help insp)" "inspect "
    every=$(awk -F '\t' '$1 == "option" && index(" " $6, " plan ") { print $2 }' "$tap_tmp/options" | sort | tr '\n' ' ')
    is "every option of plan is offered" "$(complete_line plimsoll plan -- | tr ' ' '\n' | grep '^--' | sort | tr '\n' ' ')" "$every"
else
    skip "completion" "no bash here"
fi
if command -v fish >/dev/null; then
    is "fish completes" "$(PATH="$tap_tmp/bin:$PATH" fish -c 'source completions/plimsoll.fish; complete -C "plimsoll plan gpt-oss-20"' | cut -f1)" gpt-oss-20b
else
    skip "fish completes" "no fish here"
fi
if command -v zsh >/dev/null; then
    is "zsh completes" "$(PATH="$tap_tmp/bin:$PATH" zsh -fc '
        _describe() { print -l "${(@P)4}" } # what compsys would be given
        _files() { print files }
        words=(plimsoll plan gpt-oss-20) CURRENT=3; . completions/_plimsoll' | tr '\n' ' ')" "gpt-oss-20b:gpt-oss 20B files "
else
    skip "zsh completes" "no zsh here"
fi
# A completion never complains, and leaves nothing behind.
PLIMSOLL_CATALOG="$tap_tmp/none.db" "$PLIMSOLL" __complete plan q >"$tap_tmp/out" 2>"$tap_tmp/err"
is "no catalog: names of files all the same, and no word" "$? $(cat "$tap_tmp/out" "$tap_tmp/err")" "0 :files"
is "behind an option that does not exist nothing is offered" "$("$PLIMSOLL" __complete plan --nosuch=q)" ""
XDG_DATA_HOME="$tap_tmp/fresh" "$PLIMSOLL" __complete plan --on m >/dev/null
ok "completing makes no folder" test ! -e "$tap_tmp/fresh"

# ---- README: opens with the two commands, and shows no option that does not exist
# What it shows below a command is what the program prints; UPDATE=1 writes it anew.
readme_examples() { # N.cmd and N.want in a folder
    awk -v dir="$1" '
        /^    \$ / { n++; inside = 1; blanks = 0; print substr($0, 7) >(dir "/" n ".cmd"); next }
        inside && /^    / { while (blanks > 0) { print "" >(dir "/" n ".want"); blanks-- }; print substr($0, 5) >(dir "/" n ".want"); next }
        inside && /^$/ { blanks++; next }
        { inside = 0 }' README.md
}
readme_rewrite() { # README with what is in N.out
    awk -v dir="$1" '
        function gap() { while (blanks > 0) { print ""; blanks-- } }
        /^    \$ / { gap(); n++; print; file = dir "/" n ".out"; showing = 0; inside = 1
            while ((getline line <file) > 0) { print (line == "" ? "" : "    " line); showing = 1 }
            next }
        inside && showing && /^    / { blanks = 0; next }
        inside && showing && /^$/ { blanks++; next }
        { gap(); inside = 0; print }' README.md
}
# Words must be equal; numbers may lie a tenth apart, or one in the last place, because speeds and qualities are estimates.
readme_differs() { # WANT GOT
    paste "$1" "$2" | awk -F '\t' '
        function near(x, y) { d = x > y ? x - y : y - x; return d <= 0.1 * (x > y ? x : y) || (d <= 1 && (x y) !~ /[.]/) }
        function number(w) { gsub(/[(),;%kx]/, "", w); return w }
        { n = split($1, w, " "); m = split($2, g, " "); same = n == m
          for (i = 1; i <= n && same; i++)
              same = w[i] == g[i] || (number(w[i]) ~ /^[0-9]+(\.[0-9]+)?$/ && number(g[i]) ~ /^[0-9]+(\.[0-9]+)?$/ && near(number(w[i]), number(g[i])))
          if (!same) print "README: " $1 "\nprogram: " $2 }'
}
if [ -f README.md ]; then
    mkdir "$tap_tmp/readme"
    readme_examples "$tap_tmp/readme"
    for want in "$tap_tmp"/readme/*.want; do
        PATH="$tap_tmp/bin:$PATH" sh -c "$(cat "${want%.want}.cmd")" 2>&1 | sed 's/ *$//' >"${want%.want}.out"
        if [ "${UPDATE:-}" != 1 ]; then
            empty "README shows what this prints: $(cat "${want%.want}.cmd")" "$(readme_differs "$want" "${want%.want}.out")"
        fi
    done
    is "README shows several answers" "$([ "$(ls "$tap_tmp"/readme/*.want | wc -l)" -ge 4 ] && echo yes)" yes
    printf 'TOK/S 10 fits\nTOK/S 10 fits\nTOK/S 10 fits\n' >"$tap_tmp/want"
    printf 'TOK/S 11 fits\nTOK/S 13 fits\nTOK/S 10 no\n' >"$tap_tmp/got"
    is "another number or word would be found" "$(readme_differs "$tap_tmp/want" "$tap_tmp/got" | grep -c '^program')" 2
    if [ "${UPDATE:-}" = 1 ]; then
        readme_rewrite "$tap_tmp/readme" >"$tap_tmp/README" && cat "$tap_tmp/README" >README.md
    fi
    is "README opens with make run and make check" "$(awk '$1 == "make" { print $2 }' README.md | head -2 | tr '\n' ' ')" "run check "
    grep -vE '^    (Run|or)  ' README.md >"$tap_tmp/README.own" # lines of other programs' options
    unknown=$(grep -oE '(^|[ `])--[a-z][a-z-]+' "$tap_tmp/README.own" | tr -d ' `' | sort -u | while read -r o; do
        grep -q "	$o	" "$tap_tmp/options" || echo "$o"; done)
    empty "README names only options that exist" "$unknown"
fi
done_testing
