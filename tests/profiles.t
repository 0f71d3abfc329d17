#!/bin/sh
# Every hardware profile is a machine that `fit` has an answer for: yes or no, and not a word on stderr.
. tests/tap.sh

"$PLIMSOLL" hardware --json | jq -r '.profiles | to_entries[] | .key as $k | .value | (.memory_bytes // []) as $m
    | .id + (if ($m | length) > 1 then " \($m[$k % ($m | length)] / 1073741824)gb" else "" end)' >"$tap_tmp/machines"
: >"$tap_tmp/failed"
asked=0
while read -r machine; do
    "$PLIMSOLL" fit --on "$machine" --task code --context 32k </dev/null >"$tap_tmp/out" 2>"$tap_tmp/err"
    status=$?
    asked=$((asked + 1))
    [ "$status" -le 1 ] && [ ! -s "$tap_tmp/err" ] && [ -s "$tap_tmp/out" ] ||
        echo "$machine: exit $status, $(head -1 "$tap_tmp/err")" >>"$tap_tmp/failed"
done <"$tap_tmp/machines"
empty "fit answers on each of $asked profiles" "$(head -20 "$tap_tmp/failed")"
is "all profiles of the table were asked" "$asked" "$("$PLIMSOLL" hardware --format csv | tail -n +2 | wc -l | tr -d ' ')"

# A record answers what the words it was made from answer. (tests/unit/test_profile.c: so do all profiles.)
ask() { "$PLIMSOLL" plan qwen3-8b:Q4_K_M -c 4k -np 1 --json --on "$1" 2>&1 | jq -c 'del(.machine.name)'; }
for machine in "m4 max 64gb" "m3 ultra 256gb" "2x rtx 4090 + 128gb ram" "rx 7900 xtx" "arc b580" "ryzen ai max 395 128gb" \
    "dgx spark" "epyc genoa 384gb" "raspberry pi 5 8gb" "jetson-orin-nano-8gb" "lunar-lake-arc-140v 32gb" "16gb laptop"; do
    "$PLIMSOLL" probe --on "$machine" --json >"$tap_tmp/record.json" 2>/dev/null
    is "$machine and its record are planned alike" "$(ask "$tap_tmp/record.json" | cksum)" "$(ask "$machine" | cksum)"
done
done_testing
