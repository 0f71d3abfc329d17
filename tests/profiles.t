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
done_testing
