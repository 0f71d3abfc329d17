#!/bin/sh
# Files that lie, through the command line: one sentence, the right status, and no answer that rests on the lie.
. tests/tap.sh
record() { printf '%s' "$2" >"$tap_tmp/$1.json"; }
ram='{"id":"ram","kind":"ram","capacity_bytes":68719476736,"bandwidth_gbs":80}'
card='{"id":"gpu0","kind":"vram","capacity_bytes":25769803776'

# ---- machine records
record over '{"pools":[{"id":"ram","kind":"ram","capacity_bytes":68719476736,"budget_bytes":99999999999999}]}'
refuses "a budget above what is fitted" 3 'pools\[0\]\.budget_bytes' plan qwen3-8b --on "$tap_tmp/over.json"
record free '{"pools":[{"id":"ram","kind":"ram","capacity_bytes":68719476736,"free_bytes":99999999999999}]}'
refuses "more free than is fitted" 3 'pools\[0\]\.free_bytes' plan qwen3-8b --on "$tap_tmp/free.json"
record lone "{\"pools\":[$ram,$card}]}"
refuses "video memory of no GPU" 3 'pools\[1\]\.device' plan qwen3-8b --on "$tap_tmp/lone.json"
record shared "{\"gpus\":[{\"id\":\"g\"}],\"pools\":[$ram,$card,\"device\":\"g\"},{\"id\":\"b\",\"kind\":\"vram\",\"device\":\"g\",\"capacity_bytes\":1}]}"
refuses "two pools of one GPU" 3 'pools\[2\]\.device' plan qwen3-8b --on "$tap_tmp/shared.json"
record twins "{\"pools\":[$ram,{\"id\":\"ram2\",\"kind\":\"ram\",\"capacity_bytes\":68719476736}]}"
refuses "two pools of kind ram" 3 'pools\[1\]\.kind' plan qwen3-8b --on "$tap_tmp/twins.json"
record raw '{"pools":[{"id":"r\u001b[31m","kind":"ram","capacity_bytes":68719476736}]}'
refuses "an id of control characters" 3 'pools\[0\]\.id' plan qwen3-8b --on "$tap_tmp/raw.json"

record byname "{\"gpus\":[{\"id\":\"gpu0\",\"backend\":\"cuda\",\"pool\":\"gpu0\"}],\"pools\":[$ram,$card}]}"
run plan qwen3-8b:Q4_K_M --on "$tap_tmp/byname.json" -c 4k --json
is "the GPU may name the pool" "$status $(jq -r '.machine.pools[1].device' "$tap_tmp/out")" "0 gpu0"
record unified "{\"gpus\":[{\"id\":\"gpu0\",\"backend\":\"metal\"}],\"pools\":[$ram,{\"id\":\"gpu0\",\"kind\":\"unified\",\"device\":\"gpu0\",\"capacity_bytes\":68719476736}]}"
run plan llama-3.3-70b:Q8_0 --on "$tap_tmp/unified.json" -c 4k --json
is "unified memory is part of RAM, said or not" "$status $(jq -c '[.machine.pools[1].within, .plans[0].fits]' "$tap_tmp/out")" '1 ["ram",false]'
gpus=$(for i in 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do printf '{"id":"g%s"},' $i; done)
record crowd "{\"gpus\":[${gpus%,}],\"pools\":[$ram]}"
run plan qwen3-8b:Q4_K_M --on "$tap_tmp/crowd.json" --vram 24G -c 4k --json
is "--vram on a record full of GPUs gives the first its memory" "$status $(jq -c '[(.machine.gpus | length), .machine.gpus[0].pool, .machine.pools[1].device]' "$tap_tmp/out")" '0 [16,"g0","g0"]'
run probe --on tests/records/cpu-32g.json --reserve 999G --json
cp "$tap_tmp/out" "$tap_tmp/none-left.json"
run plan qwen3-0.6b --on "$tap_tmp/none-left.json" -c 4k --json
is "a record of a machine with nothing left keeps nothing" "$status $(jq -c '[.machine.pools[0].budget_bytes, .plans[0].fits]' "$tap_tmp/out")" '1 [0,false]'
if mkfifo "$tap_tmp/fifo" 2>/dev/null; then
    refuses "a record that is a pipe does not hang" 3 'not a regular file' plan qwen3-8b --on "$tap_tmp/fifo"
    refuses "nor a model that is one" 3 'not a regular file' inspect "$tap_tmp/fifo"
fi

# ---- cards
"$PLIMSOLL" catalog show qwen3-8b --json | jq 'if has("cards") then .cards[0] else . end | .id = "mine-8b" | .aliases = [] | .hf_repo = "me/mine-8b" | .name = "Mine"' >"$tap_tmp/mine.json"
run inspect "$tap_tmp/mine.json" --json
is "a card as catalog show prints it is a card" "$status $(jq -r '.files[0].kind' "$tap_tmp/out")" "0 card"
done_testing
