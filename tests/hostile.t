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
# ---- descriptions without weights have sizes all the same, and the same ones
box=tests/records/cpu-32g.json
mkdir "$tap_tmp/model"
printf '{"model_type":"qwen3","hidden_size":4096,"num_hidden_layers":36,"num_attention_heads":32,"num_key_value_heads":8,"head_dim":128,"intermediate_size":12288,"vocab_size":151936,"max_position_embeddings":40960,"tie_word_embeddings":false}' >"$tap_tmp/model/config.json"
run plan qwen3-8b:Q4_K_M --on $box -c 4k --json
want=$(jq -c '.plans[0] | [.bytes, .model.params, .quality.retention, .tensor_types]' "$tap_tmp/out")
for path in mine.json model/config.json model; do
    run plan "$tap_tmp/$path" -q Q4_K_M --on $box -c 4k --json
    is "plan $path is the plan of the model it describes" "$(jq -c '.plans[0] | [.bytes, .model.params, .quality.retention, .tensor_types]' "$tap_tmp/out")" "$want"
done
refuses "a description is no file to run" 2 'no command' plan "$tap_tmp/model/config.json" --on $box --emit llama.cpp
files=tests/fuzz/corpus/files
refuses "a name that comes twice" 3 'comes twice' inspect $files/twice-the-same-llama.gguf
refuses "fewer blocks than are counted" 3 'block_count is 7, but the tensors are of 1' plan $files/blocks-missing.gguf --on $box
refuses "a vocabulary alone" 3 'no tensors' plan $files/vocabulary.gguf --on $box
refuses "an adapter" 2 'an adapter, not a model' plan $files/adapter.gguf --on $box

mkdir "$tap_tmp/huge"
printf '{"model_type":"qwen3_moe","hidden_size":4194304,"num_hidden_layers":256,"num_attention_heads":32768,"num_key_value_heads":32768,"head_dim":128,"intermediate_size":4194304,"moe_intermediate_size":4194304,"num_experts":65535,"num_experts_per_tok":65535,"vocab_size":134217728,"max_position_embeddings":134217728}' >"$tap_tmp/huge/config.json"
run plan "$tap_tmp/huge/config.json" --on $box -c 4k
is "more bytes than can be counted do not fit, and are said" "$status $(grep -c 'does not fit: 8192 PiB too much' "$tap_tmp/out")" "1 1"
run plan "$tap_tmp/huge/config.json" --on $box -c 4k --json
is "nor do they become another number" "$status $(grep -c '"total":.*18446744073709551615$' "$tap_tmp/out") $(grep -E '[0-9]e\+' "$tap_tmp/out" | grep -cvE '_tps|ttft_s')" "1 1 0"
run plan qwen3-8b --on $box -c 4k --mmproj --json
is "a projector of unknown size is not one of 0 bytes" "$(jq -c '[.plans[0].bytes.projector, ([.plans[0].notes[].code] | index("projector-unknown") != null)]' "$tap_tmp/out")" "[0,true]"

# ---- commands: of the file that was sized, and nothing a shell or a terminal takes amiss
cp $files/llama.gguf "$tap_tmp/-a 'b.gguf"
program=$(cd "$(dirname "$PLIMSOLL")" && pwd)/plimsoll here=$(pwd)
is "a path is one word, and no option" "$(cd "$tap_tmp" && "$program" plan --on "$here/$box" --emit llama.cpp -- "-a 'b.gguf" | cut -d' ' -f 1-4)" \
    "llama-server -m './-a '\\''b.gguf'"
run plan "$tap_tmp/-a 'b.gguf" -q BF16 --on $box --emit llama.cpp
is "another quantization is another file" "$(cut -d' ' -f 1-3 "$tap_tmp/out")" "llama-server -m Tiny-BF16.gguf"
evil=$(printf 'a\033[31m\nb.gguf')
cp $files/llama.gguf "$tap_tmp/$evil"
refuses "a name that no terminal should see" 2 'no command' plan "$tap_tmp/$evil" --on $box --emit llama.cpp
for form in table json csv markdown env jsonl; do
    run plan "$tap_tmp/$evil" --on $box --format $form
    is "and none sees it ($form)" "$status $(tr -d '\n\t -~\200-\377' <"$tap_tmp/out" | wc -c | tr -d ' ')" "0 0"
done

# ---- a user database of another version: brought to this one, or left alone and said so
run catalog add "$tap_tmp/mine.json"
own=$XDG_DATA_HOME/plimsoll/user.db
if command -v sqlite3 >/dev/null; then
    sqlite3 "$own" "INSERT INTO results VALUES ('m', 'bench', 'ram_gbs', '', 5)"
    for change in "ALTER TABLE models DROP COLUMN ssm_conv_kernel" "ALTER TABLE models DROP COLUMN tie_embeddings" \
        "ALTER TABLE models ADD COLUMN of_the_future INTEGER" "DROP TABLE abilities" "PRAGMA user_version = 0"; do
        sqlite3 "$own" "$change"
        run plan mine-8b --on tests/records/cpu-32g.json -c 4k --json
        is "the card is there after $change" "$status $(jq -r '.plans[0].model.id' "$tap_tmp/out") $(wc -c <"$tap_tmp/err" | tr -d ' ')" "0 mine-8b 0"
        is "and what was measured, and the words" "$(sqlite3 "$own" "SELECT value FROM results WHERE machine = 'm'") $("$PLIMSOLL" catalog search mine-8b --format csv | grep -c '^mine-8b,')" "5.0 1"
    done
    is "the tables are those of a new one" "$(sqlite3 "$own" "SELECT name, sql FROM sqlite_schema ORDER BY 1")" \
        "$(sqlite3 "$BUILD/catalog.db" "SELECT name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_stat%' ORDER BY 1")"
    sqlite3 "$own" "PRAGMA user_version = 99"
    run plan qwen3-8b --on tests/records/cpu-32g.json -c 4k --json
    is "one of a later version is left alone, and said" "$status $(wc -l <"$tap_tmp/err" | tr -d ' ') $(sqlite3 "$own" "PRAGMA user_version")" "0 1 99"
else
    skip "user databases of other versions" "no sqlite3 here"
fi
done_testing
