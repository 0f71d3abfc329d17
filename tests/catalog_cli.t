#!/bin/sh
# The user's own cards and the read-only SQL from outside: whole or nothing, with many readers, and hostile input.
. tests/tap.sh
box=tests/records/cpu-32g.json
[ -x "$PLIMSOLL" ] || { echo "Bail out! $PLIMSOLL: not there"; exit 1; } # two empty answers would be equal
own=$XDG_DATA_HOME/plimsoll/user.db
card() { # ID [MORE JSON]: a small llama
    printf '{"id":"%s","name":"%s","arch":"llama","use_cases":["chat"],"n_layers":16,"vocab_size":32000,"hidden_size":2048,"intermediate_size":8192,"n_heads":32,"n_kv_heads":8,"max_context":8192,"tie_embeddings":true%s}' "$1" "$1" "${2:-}"
}
file_of() { printf '{"schema":"plimsoll.cards/1","cards":['; between=''; for c in "$@"; do printf '%s%s' "$between" "$c"; between=,; done; printf ']}'; }
exported() { "$PLIMSOLL" catalog export "$@" 2>&1; }

# ---- nothing there yet
run catalog export
is "no cards of one's own: status 1, an empty card file" "$status $(jq -c '[.schema, .cards]' "$tap_tmp/out")" '1 ["plimsoll.cards/1",[]]'
ok "and no database is made to say so" test ! -e "$own"
refuses "removing what never was" 2 'no card of yours' catalog remove mine-1b
refuses "removing a shipped card" 2 'qwen3-8b: comes with the program' catalog remove qwen3-8b
ok "nor to refuse" test ! -e "$own"

# ---- round trip, of one's own cards and of shipped ones
file_of "$(card mine-1b)" "$(card mine-2b ',"license":"mit","release_date":"2026-02","notes":"with \"quotes\" and ünïcode"')" >"$tap_tmp/two.json"
run catalog add "$tap_tmp/two.json"
is "a file of two cards: their ids" "$status $(tr '\n' ' ' <"$tap_tmp/out")" "0 mine-1b mine-2b "
exported >"$tap_tmp/export-1.json"
run catalog remove mine-1b mine-2b
is "both are removed, and named" "$status $(tr '\n' ' ' <"$tap_tmp/out")" "0 mine-1b mine-2b "
"$PLIMSOLL" catalog add - <"$tap_tmp/export-1.json" >"$tap_tmp/out" 2>&1
exported >"$tap_tmp/export-2.json"
ok "what is exported, removed and added again is the same text" cmp "$tap_tmp/export-1.json" "$tap_tmp/export-2.json"
is "and the same card: notes and all" "$(jq -r '.cards[] | select(.id == "mine-2b") | .notes' "$tap_tmp/export-2.json")" 'with "quotes" and ünïcode'
exported mine-2b >"$tap_tmp/one.json"
is "one card by name" "$(jq -r '[.cards[].id] | join(" ")' "$tap_tmp/one.json")" mine-2b
refuses "a name that is none exports nothing" 2 'no-such-model' catalog export mine-2b no-such-model
refuses "names and --all exclude each other" 2 'either' catalog export --all mine-2b
exported --all >"$tap_tmp/all.json"
is "--all: shipped cards and one's own" "$(jq '.cards | length' "$tap_tmp/all.json")" "$("$PLIMSOLL" catalog list --json | jq '.cards | length')"
before=$("$PLIMSOLL" plan gpt-oss-20b --on $box -c 8k --json | jq '.plans[0].bytes')
exported gpt-oss-20b | sed 's/"name":"[^"]*"/"name":"Mine now"/' >"$tap_tmp/gpt.json"
run catalog add "$tap_tmp/gpt.json"
is "a shipped card can be taken over" "$status $("$PLIMSOLL" catalog show gpt-oss-20b --json | jq -r .name)" "0 Mine now"
is "with every byte the same" "$("$PLIMSOLL" plan gpt-oss-20b --on $box -c 8k --json | jq '.plans[0].bytes')" "$before"
exported qwen3-8b | jq 'del(.cards[].variants)' >"$tap_tmp/bare.json"
awq() { "$PLIMSOLL" plan qwen3-8b -q awq --on "rtx 4090, 64gb ram" -c 8k --json | jq -r '.plans[0].commands.vllm // "" | contains("Qwen/Qwen3-8B-AWQ ")'; }
was=$(awq)
run catalog add "$tap_tmp/bare.json"
is "a card that names no repositories has none of the one it stands in for" "$was $status $(awq)" "true 0 false"
run catalog remove qwen3-8b
run catalog remove gpt-oss-20b
ok "and given back" sh -c "'$PLIMSOLL' catalog show gpt-oss-20b | grep -vq 'Mine now'"

# ---- lists and searches filter alike
for format in json jsonl csv markdown table; do
    run catalog list --license mit --since 2026-02 --format $format
    is "list filters, as $format" "$status $(grep -o mine-.b "$tap_tmp/out" | sort -u)" "0 mine-2b"
done
run catalog list --max-params 500m --task embedding --json
is "every row meets the filters, in the order of ids" "$status $(jq -c '[(.cards | length) > 3, all(.cards[]; .params <= 500000000), ([.cards[].id] | . == sort)]' "$tap_tmp/out")" '0 [true,true,true]'
run catalog search --modality image --since 2026-01 --json
is "a filter alone is a search" "$status $(jq '.cards | length > 0' "$tap_tmp/out")" "0 true"
run catalog search llama 4 --json
is "a number is the version of the word before it" "$status $(jq -c '[.cards[].id | startswith("llama-4-")] | [length > 0, all]' "$tap_tmp/out")" '0 [true,true]'
run catalog search deepseek 3 --json
is "with or without the v" "$status $(jq -c '[.cards[].id] | [contains(["deepseek-v3"]), all(startswith("deepseek-v3"))]' "$tap_tmp/out")" '0 [true,true]'
for size in "llama 70:llama-3.3-70b-instruct" "granite 8:granite-3.3-8b-instruct" "qwen coder 3:qwen3-coder-480b-a35b-instruct" \
    "qwen vl 3:qwen3-vl-8b-instruct" "gpt oss 20:gpt-oss-20b" "qwen 35:qwen3.6-35b-a3b" "llama 31:llama-3.1-8b-instruct"; do
    # shellcheck disable=SC2086
    run catalog search ${size%:*} --json
    is "nor is a size one: ${size%:*}" "$status $(jq --arg id "${size#*:}" 'any(.cards[]; .id == $id)' "$tap_tmp/out")" '0 true'
done
run catalog search gemma 2 --json
is "of the word before it alone" "$status $(jq -c '[.cards[].id | startswith("gemma-2-")] | [length > 2, all]' "$tap_tmp/out")" '0 [true,true]'
refuses "a quality beyond the scale" 2 'at most 100' fit --min-quality 101 --on "m4 max 64gb"
run catalog list --max-params 1 --format csv
is "nothing meets them: status 1" "$status" 1

# ---- shapes of model files
mkdir "$tap_tmp/Tiny Model" "$tap_tmp/Other_Model.v2"
printf '{"architectures":["LlamaForCausalLM"],"model_type":"llama","num_hidden_layers":2,"hidden_size":64,"intermediate_size":128,"num_attention_heads":4,"num_key_value_heads":2,"vocab_size":256,"max_position_embeddings":1024,"torch_dtype":"bfloat16"}' >"$tap_tmp/Tiny Model/config.json"
run catalog add "$tap_tmp/Tiny Model/config.json"
is "a config.json" "$status $(cat "$tap_tmp/out" "$tap_tmp/err")" "0 tiny-model"
# 2 layers x (64 x (64 + 32 + 32 + 64) + 3 x 64 x 128 + 2 x 64) + 2 x 256 x 64 + 64
is "its parameters are counted" "$("$PLIMSOLL" plan tiny-model --on $box -c 512 --json | jq '.plans[0].model.params')" $((2 * (64 * 192 + 3 * 64 * 128 + 2 * 64) + 2 * 256 * 64 + 64))
cp "$tap_tmp/Tiny Model/config.json" "$tap_tmp/Other_Model.v2/"
# A safetensors file: length of the header in 8 bytes, little end first, the header, the data.
header='{"model.embed_tokens.weight":{"dtype":"BF16","shape":[256,64],"data_offsets":[0,32768]}}'
{ printf "\\$(printf %03o ${#header})\\000\\000\\000\\000\\000\\000\\000%s" "$header"; head -c 32768 /dev/zero; } >"$tap_tmp/Other_Model.v2/model.safetensors"
run catalog add "$tap_tmp/Other_Model.v2/"
is "a safetensors folder" "$status $(cat "$tap_tmp/out" "$tap_tmp/err")" "0 other_model.v2"
byte() { printf "\\$(printf %03o "$1")"; }
u32() { byte $(($1 & 255)); byte $(($1 >> 8 & 255)); byte $(($1 >> 16 & 255)); byte $(($1 >> 24 & 255)); }
u64() { u32 "$1"; u32 0; }
text() { u64 ${#1}; printf %s "$1"; }
number() { text "$1"; u32 4; u32 "$2"; }
word() { text "$1"; u32 8; text "$2"; }
at=0
tensor() { # NAME DIM...: F16, one after the other
    text "$1"; shift; u32 $#; size=2; for d in "$@"; do u64 "$d"; size=$((size * d)); done; u32 1; u64 $at; at=$((at + size))
}
{
    printf GGUF; u32 3; u64 11; u64 9
    word general.architecture llama; word general.name 'Tiny GGUF'
    number llama.block_count 1; number llama.embedding_length 64; number llama.feed_forward_length 128; number llama.context_length 1024
    number llama.attention.head_count 4; number llama.attention.head_count_kv 2; number llama.vocab_size 256
    tensor token_embd.weight 64 256; tensor output_norm.weight 64
    tensor blk.0.attn_norm.weight 64; tensor blk.0.attn_q.weight 64 64; tensor blk.0.attn_k.weight 64 32; tensor blk.0.attn_v.weight 64 32
    tensor blk.0.attn_output.weight 64 64; tensor blk.0.ffn_norm.weight 64
    tensor blk.0.ffn_gate.weight 64 128; tensor blk.0.ffn_up.weight 64 128; tensor blk.0.ffn_down.weight 128 64
    head -c 131072 /dev/zero
} >"$tap_tmp/tiny.gguf"
run catalog add "$tap_tmp/tiny.gguf"
is "a GGUF file" "$status $(cat "$tap_tmp/out" "$tap_tmp/err")" "0 tiny-gguf"
"$PLIMSOLL" catalog remove tiny-model other_model.v2 tiny-gguf >/dev/null

# ---- whole or nothing
exported >"$tap_tmp/state"
is "two cards stand by" "$(jq '.cards | length' "$tap_tmp/state")" 2
same() { is "$1: nothing changed" "$(exported | cksum)" "$(cksum <"$tap_tmp/state")"; }
file_of "$(card new-1b)" "$(card mine-1b)" >"$tap_tmp/clash.json"
refuses "a file of which one card is there already" 2 'mine-1b' catalog add "$tap_tmp/clash.json"
same "a clash"
card new-1b >"$tap_tmp/new.json"
refuses "a good file and a bad one" 3 'nowhere.json' catalog add "$tap_tmp/new.json" "$tap_tmp/nowhere.json"
same "a bad file behind a good one"
refuses "the same card twice" 2 'new-1b' catalog add "$tap_tmp/new.json" "$tap_tmp/new.json"
same "the same card twice"
refuses "a removal of which one is none" 2 'nobody' catalog remove mine-1b nobody
same "half a removal"

# ---- hostile cards
esc=$(printf '\033')
n=0
while IFS='	' read -r want pattern json; do
    n=$((n + 1))
    printf '%s' "$json" >"$tap_tmp/hostile-$n.json"
    refuses "hostile card: $pattern" "$want" "$pattern" catalog add "$tap_tmp/hostile-$n.json"
    "$PLIMSOLL" catalog check "$tap_tmp/hostile-$n.json" >"$tap_tmp/out" 2>"$tap_tmp/err"; status=$?
    is "and so does check: $pattern" "$status $(wc -l <"$tap_tmp/err" | tr -d ' ') $(wc -c <"$tap_tmp/out" | tr -d ' ')" "$want 1 0"
done <<HOSTILE
3	hostile-1	[]
3	hostile-2	{"id":"x"
3	id	$(card '../../etc/passwd')
3	id	$(card 'x y')
3	id	$(card "x'; DROP TABLE models; --")
3	id	$(card '\u001b[31mred')
3	id	$(card '')
3	too long	$(card "$(head -c 4000 /dev/zero | tr '\0' a)")
3	n_layers	$(card x ',"n_layers":-1' | sed 's/"n_layers":16,//')
3	n_layers	$(card x ',"n_layers":1e308' | sed 's/"n_layers":16,//')
3	n_layers	$(card x ',"n_layers":4294967297' | sed 's/"n_layers":16,//')
3	n_layers	$(card x ',"n_layers":"16"' | sed 's/"n_layers":16,//')
3	hidden_sise	$(card x ',"hidden_sise":1')
3	layer_kinds	$(card x ',"layer_kinds":"FFFF"')
3	release_date	$(card x ',"release_date":"soon"')
3	mmlu	$(card x ',"benchmarks":{"mmlu":"high"}')
3	variants	$(card x ',"variants":[1,2,3]')
3	x: awq: not a list	$(card x ',"variants":{"awq":"a/b"}')
3	x: gptq: not a list	$(card x ',"variants":{"gptq":true}')
3	x: exl2: no such key in variants	$(card x ',"variants":{"exl2":[]}')
3	x: fp8: a name holds	$(card x ',"variants":{"fp8":[{"repo":"a/\u202eb"}]}')
3	hostile-22.json: holds a NUL	$(card x ',"variants":{"fp8":[{"repo":"a/b\u0000"}]}')
3	plimsoll.cards	{"schema":"plimsoll.cards/99","cards":[]}
HOSTILE
is "all of them were tried" "$n" 23
{ i=0; while [ $i -lt 3000 ]; do printf '{"a":['; i=$((i + 1)); done; } >"$tap_tmp/deep.json"
refuses "a document 6000 deep" 3 'deep.json' catalog add "$tap_tmp/deep.json"
head -c 20000000 /dev/zero | tr '\0' ' ' >"$tap_tmp/huge.json"
refuses "20 MB of blanks" 3 'huge.json' catalog add "$tap_tmp/huge.json"
refuses "20 MB on standard input" 3 'standard input' catalog add - <"$tap_tmp/huge.json"
refuses "nothing on standard input" 3 'standard input: empty' catalog add - </dev/null
refuses "a folder of nothing" 3 'tmp' catalog add "$tap_tmp"
same "hostile cards"
card sneaky-1b ",\"license\":\"\\u001b[31mfree\\u0007\\r\\n\",\"notes\":\"\\u202e\"" | sed 's/"name":"[^"]*"/"name":"\\u001b]0;owned\\u0007"/' >"$tap_tmp/sneaky.json"
"$PLIMSOLL" catalog add "$tap_tmp/sneaky.json" >/dev/null 2>&1
for c in "catalog list" "catalog show sneaky-1b" "catalog show sneaky-1b --json" "catalog list --format csv" "catalog list --format markdown" "catalog export" "plan sneaky-1b --on $box -c 512"; do
    # shellcheck disable=SC2086
    run $c
    is "control characters of a card stay out of: $c" "$status $(tr -d '\n\t' <"$tap_tmp/out" | LC_ALL=C grep -c "[[:cntrl:]]\|$esc")" "0 0"
done
"$PLIMSOLL" catalog remove sneaky-1b >/dev/null 2>&1
same "a sneaky card that was removed"

# ---- check
run catalog check
is "every shipped card adds up" "$status $(grep -c ' mismatch ' "$tap_tmp/out")" "0 0"
run catalog check data/cards/phi.json --json
is "so do those of a file" "$status $(jq -c '[.schema, (.cards | length) == '"$(jq '.cards | length' data/cards/phi.json)"']' "$tap_tmp/out" 2>/dev/null)" '0 ["plimsoll.check/1",true]'
jq -c '.cards |= map(select(.id == "phi-4") | (.shape // .) as $x | if .shape then .shape.intermediate_size += 256 else .intermediate_size += 256 end)' data/cards/phi.json >"$tap_tmp/wrong.json"
run catalog check "$tap_tmp/wrong.json"
is "a layer too wide is found: status 1" "$status $(grep -c mismatch "$tap_tmp/out")" "1 1"
is "from standard input as well" "$("$PLIMSOLL" catalog check - <"$tap_tmp/wrong.json" >/dev/null; echo $?)" 1
run catalog check mine-1b
is "no published total: said, and no mismatch" "$status $(grep -c 'no reference' "$tap_tmp/out")" "0 1"
run catalog check no-such-words-anywhere
is "nothing to check: status 1" "$status" 1
refuses "a file that is not there" 3 'no such file' catalog check "$tap_tmp/nowhere.json"

# ---- many readers while cards come and go
"$PLIMSOLL" catalog export qwen3-8b phi-4 gpt-oss-20b >"$tap_tmp/some.json"
mkdir "$tap_tmp/many"
XDG_DATA_HOME="$tap_tmp/many/data"; export XDG_DATA_HOME
i=0
while [ $i -lt 50 ]; do
    i=$((i + 1))
    ("$PLIMSOLL" fit -n 1 --no-bench >"$tap_tmp/many/out-$i" 2>"$tap_tmp/many/err-$i"; echo $? >"$tap_tmp/many/status-$i") &
done
for round in 1 2 3; do
    "$PLIMSOLL" catalog add "$tap_tmp/some.json" >/dev/null || echo "add $round" >>"$tap_tmp/many/bad"
    "$PLIMSOLL" catalog remove qwen3-8b phi-4 gpt-oss-20b >/dev/null || echo "remove $round" >>"$tap_tmp/many/bad"
done 2>>"$tap_tmp/many/bad"
wait
is "50 fits during adds: every one answers" "$(cat "$tap_tmp"/many/status-* | sort -u | tr '\n' ' ')" "0 "
empty "without a word" "$(cat "$tap_tmp"/many/err-*)"
is "the same" "$(cksum "$tap_tmp"/many/out-* | awk '{ print $1 }' | sort -u | wc -l | tr -d ' ')" 1
empty "and every add and remove succeeds" "$(cat "$tap_tmp/many/bad")"
i=0
while [ $i -lt 8 ]; do
    i=$((i + 1))
    (card "writer-$i" | "$PLIMSOLL" catalog add - >/dev/null 2>>"$tap_tmp/many/bad") &
done
wait
is "eight writers at once: all cards are there" "$(exported | jq '.cards | length') $(wc -c <"$tap_tmp/many/bad" | tr -d ' ')" "8 0"
XDG_DATA_HOME=$tap_tmp/data

# ---- homes that fail: one line, nothing lost. A limit on the size of files is a disk that is full.
: >"$tap_tmp/a-file"
XDG_DATA_HOME="$tap_tmp/a-file" refuses "a home that cannot be made" 3 'a-file' catalog add "$tap_tmp/new.json"
HOME='' XDG_DATA_HOME='' refuses "no home" 3 'no folder' catalog add "$tap_tmp/new.json"
file_of "$(card more-1b)" "$(card more-2b)" "$(card more-3b)" "$(card more-4b)" "$(card more-5b)" "$(card more-6b)" >"$tap_tmp/more.json"
for blocks in 16 80; do # of 512 bytes: too few for the memory that readers share, and for the journal
    (trap '' XFSZ; ulimit -f $blocks; "$PLIMSOLL" catalog add "$tap_tmp/more.json" >"$tap_tmp/out" 2>"$tap_tmp/err"; echo $? >"$tap_tmp/status")
    is "a full disk ($blocks blocks)" "$(cat "$tap_tmp/status") $(wc -l <"$tap_tmp/err" | tr -d ' ') $(wc -c <"$tap_tmp/out" | tr -d ' ')" "3 1 0"
    same "a full disk"
done
(trap '' XFSZ; ulimit -f 16; XDG_DATA_HOME="$tap_tmp/fresh" "$PLIMSOLL" catalog add "$tap_tmp/more.json" >"$tap_tmp/out" 2>"$tap_tmp/err"; echo $? >"$tap_tmp/status")
is "a full disk from the start" "$(cat "$tap_tmp/status") $(wc -l <"$tap_tmp/err" | tr -d ' ') $(find "$tap_tmp/fresh" -type f | wc -l | tr -d ' ')" "3 1 0"
cp "$own" "$tap_tmp/good.db"
for damage in "head -c 20000 $tap_tmp/good.db" "head -c 5000 /dev/urandom" "echo not a database" "cat $BUILD/plimsoll"; do
    $damage >"$own"
    cp "$own" "$tap_tmp/damaged"
    refuses "damaged database ($damage): add" 3 'user.db' catalog add "$tap_tmp/new.json"
    refuses "damaged database: remove" 3 'user.db' catalog remove mine-1b
    refuses "damaged database: export" 3 'user.db' catalog export
    run catalog list --format csv
    is "damaged database: the shipped cards go on, said once" "$status $(wc -l <"$tap_tmp/err" | tr -d ' ')" "0 1"
    run sql "SELECT count(*) FROM fits('$box', 'chat', 4096, 'f16', 'Q4_K_M') WHERE fits" --format csv
    is "damaged database: sql too" "$status $(wc -l <"$tap_tmp/err" | tr -d ' ')" "0 1"
    ok "damaged database: left as it is" cmp "$own" "$tap_tmp/damaged"
done
cp "$tap_tmp/good.db" "$own"
same "the database put back"

# ---- a database of another version of the program: made anew of the cards as they were written
if command -v sqlite3 >/dev/null; then
    "$PLIMSOLL" catalog export mine-1b mine-2b >"$tap_tmp/want.json"
    for change in "ALTER TABLE models ADD COLUMN another_field INTEGER" "ALTER TABLE models RENAME COLUMN license TO licence" "PRAGMA user_version = 0"; do
        sqlite3 "$own" "INSERT OR REPLACE INTO results VALUES ('box', 'bench', 'ram', '', 7.5); $change"
        run catalog export
        ok "renewed after: $change" cmp "$tap_tmp/out" "$tap_tmp/want.json"
        empty "without a word" "$(cat "$tap_tmp/err")"
        is "results go along, and nothing is left beside it" "$(sqlite3 "$own" "SELECT value FROM results WHERE machine = 'box'") $(ls "$(dirname "$own")")" "7.5 user.db"
    done
    sqlite3 "$own" "PRAGMA user_version = 99"
    cp "$own" "$tap_tmp/newer.db"
    refuses "a database of a later version is not touched" 3 'version 99' catalog add "$tap_tmp/new.json"
    ok "not a byte" cmp "$own" "$tap_tmp/newer.db"
    sqlite3 "$own" "PRAGMA user_version = 1; ALTER TABLE models ADD COLUMN x INTEGER; UPDATE cards SET json = '{}' WHERE model = 'mine-1b'"
    refuses "a card that this version does not understand: the database stays" 3 'other fields' catalog export
    is "with all that was in it" "$(sqlite3 "$own" "SELECT count(*) FROM cards")" 2
    cp "$tap_tmp/good.db" "$own"
else
    skip "a database of another version" "no sqlite3 here"
fi
same "versions"

# ---- SQL: reads
value() { "$PLIMSOLL" sql "$@" --format csv 2>&1 | awk 'NR > 1' | tr '\n' ' ' | sed 's/ $//'; }
run sql "SELECT id FROM models WHERE id = 'no such'" --json
is "no rows is status 1, and the answer whole" "$status $(jq -c '[.columns, .rows]' "$tap_tmp/out")" '1 [["id"],[]]'
is "one's own cards are there" "$(value "SELECT count(*) FROM models WHERE id LIKE 'mine-%'")" 2
is "numbers keep their digits" "$(value "SELECT 0.1, 1e300, 123456789.25, 9007199254740993, NULL, ''")" "0.1,1e+300,123456789.25,9007199254740993,,"
run sql "SELECT char(27) || '[31m' || char(10) || char(0) || 'x' AS a, x'00ff' AS b, 'c,\"d|' AS \"e|f\", NULL AS n, '' AS z" --json
is "anything is valid JSON" "$status $(jq -c '[.columns, .rows]' "$tap_tmp/out")" '0 [["a","b","e|f","n","z"],[["\\x1b[31m\\x0a\\x00x","x'"'00ff'"'","c,\"d|",null,""]]]'
run sql "SELECT 'C:\\xyz' AS \"p\\xq\", 'a' || char(10) || 'b' || char(27) AS lines"
is "a table escapes once" "$status $(awk '{ print $1, $2 }' "$tap_tmp/out" | tr '\n' ' ')" '0 p\xq lines C:\xyz a\x0ab\x1b '
for format in table csv markdown jsonl; do
    run sql "SELECT char(27) || ']0;owned' || char(7) AS a, char(155) || 'b' AS \"h$esc[1m\"" --format $format
    is "control characters are spelled out, as $format" "$status $(tr -d '\n' <"$tap_tmp/out" | LC_ALL=C grep -c "[[:cntrl:]]")" "0 0"
done

# ---- SQL: fits() is fit
pick=$("$PLIMSOLL" fit --on $box -n 1 --json | jq -r '.configs[0] | [.model.id, .quant, .context_tokens, .bytes.total] | join(",")')
ok "fit answers" test -n "$pick"
is "the best of fits() is what fit puts first" "$(value "SELECT model, quant, context_tokens, total_bytes FROM fits('$box') WHERE fits ORDER BY score DESC LIMIT 1")" "$pick"
is "every row is a plan" "$(value "SELECT total_bytes, margin_bytes, fits FROM fits('$box', 'chat', '8k', 'q8_0', 'Q5_K_M') WHERE model = 'qwen3-8b'")" \
    "$("$PLIMSOLL" plan qwen3-8b:Q5_K_M --on $box -c 8k --kv-type q8_0 --json | jq -r '.plans[0] | [.bytes.total, .margin_bytes, (if .fits then 1 else 0 end)] | join(",")')"
is "also of what does not fit" "$(value "SELECT total_bytes, margin_bytes, fits, decode_tps, score FROM fits('$box', NULL, 8192, NULL, 'Q8_0') WHERE model = 'llama-3.3-70b-instruct'")" \
    "$("$PLIMSOLL" plan llama-3.3-70b:Q8_0 --on $box -c 8k --json | jq -r '.plans[0] | [.bytes.total, .margin_bytes, 0] | join(",")'),,"
is "lists multiply: 2 quants x 3 contexts x 2 caches" "$(value "SELECT count(*), count(DISTINCT quant || context_tokens || kv_type), min(context_tokens), max(context_tokens) FROM fits('$box', 'chat', '4k, 8k 32k', 'f16 q8_0,q4_0', 'Q4_K_M,Q8_0') WHERE model = 'qwen3-8b'")" "12,12,4096,32768"
is "no row beyond the training context" "$(value "SELECT max(context_tokens) FROM fits('$box', 'chat', '4k 32k', NULL, 'Q8_0') WHERE model = 'mine-1b'")" 4096
is "no row of what the engine refuses" "$(value "SELECT count(*) FROM fits('$box', 'chat', '4k', 'q9_9') WHERE model = 'qwen3-8b'" | grep -c 'not a cache type')" 0
is "arguments are columns: by name, in any order" "$(value "SELECT model, machine, context FROM fits WHERE words = 'qwen3 8b' AND quants = 'Q4_K_M' AND machine = '$box' AND context = '4k' AND model = 'qwen3-8b'")" "qwen3-8b,$box,4k"
is "a join on the catalog" "$(value "SELECT DISTINCT m.license FROM fits('$box', 'chat', '4k', NULL, 'Q4_K_M') f JOIN models m ON m.id = f.model WHERE m.id IN ('qwen3-8b', 'phi-4') ORDER BY 1")" "apache-2.0 mit"
is "two machines side by side" "$(value "SELECT a.fits, b.fits FROM fits('$box', NULL, 8192, NULL, 'Q4_K_M') a JOIN fits('m4 max 128gb', NULL, 8192, NULL, 'Q4_K_M') b ON b.model = a.model WHERE a.model = 'llama-3.3-70b-instruct'")" "0,1"
is "arguments from another table" "$(value "SELECT group_concat(fits) FROM (VALUES ('8k'), ('1m')) c JOIN fits('$box', NULL, c.column1, NULL, 'Q4_K_M') f WHERE f.model = 'qwen3-8b'")" 1
is "without a machine it is that of --on" "$(value "SELECT count(*) > 100 FROM fits(NULL, 'chat', '4k', NULL, 'Q4_K_M') WHERE fits" --on $box)" 1
for bad in "fits('frobnitz 9000'):frobnitz" "fits('$box', 'gardening'):not a task" "fits('$box', 'chat', 'long'):not a context" \
    "fits('$box', 'chat', 0):not a context" "fits('$box', 'chat', '4k', 'f16 q9_9'):not a cache type" "fits('$box', 'chat', '4k', 'f16', 'Q99'):not a quantization" \
    "fits('$box', 'chat', '4k', 'f16', 'Q8_0', '', 'abacus'):not a runtime"; do
    refuses "a wrong argument: ${bad##*:}" 2 "${bad##*:}" sql "SELECT * FROM ${bad%:*}"
done

# ---- SQL: what is refused
for s in "DELETE FROM models" "INSERT INTO models (id) VALUES ('x')" "UPDATE models SET name = 'x'" "DROP TABLE models" "CREATE TABLE t (a)" \
    "CREATE TEMP TABLE t (a)" "ATTACH '$tap_tmp/new.db' AS x" "DETACH user" "PRAGMA user_version = 7" "PRAGMA writable_schema = 1" "PRAGMA journal_mode = DELETE" \
    "PRAGMA temp_store_directory = '$tap_tmp'" "VACUUM INTO '$tap_tmp/new.db'" "SELECT load_extension('x.so')" "SELECT writefile('$tap_tmp/new.db', 'x')" \
    "SELECT readfile('/etc/passwd')" "BEGIN" "DELETE FROM user.models" "WITH x AS (SELECT 1) DELETE FROM models" "SELECT 1; DROP TABLE models" "REINDEX" \
    "INSERT INTO search (search) VALUES ('optimize')" "SELEC 1" "" "SELECT * FROM nothing" "SELECT nothing FROM models"; do
    refuses "sql refuses: $s" 2 'sql: ' sql "$s"
done
refuses "two operands are not a statement" 2 'one statement' sql SELECT 1
ok "nothing was written" test ! -e "$tap_tmp/new.db"
same "SQL that was refused"
refuses "an answer without end" 2 'larger than' sql "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"
refuses "a sort without end" 2 'memory' sql "SELECT a.id FROM models a, models b, models c ORDER BY a.name || b.name || c.name"
refuses "a value without end" 2 'too big' sql "SELECT zeroblob(1000000000)"
# ---- a card of one's own is rated as the fit rates one that nobody tested
export XDG_DATA_HOME="$tap_tmp/rated"
# of a family that was tested, of one whose publisher was, and of neither
for id in tiny-aya-global afm-4.5b dots.llm1-inst; do
    "$PLIMSOLL" catalog export $id | sed "s/\"id\": *\"$id\"/\"id\":\"my-$id\"/" >"$tap_tmp/mine.json"
    "$PLIMSOLL" catalog add "$tap_tmp/mine.json" >/dev/null
    is "prior of $id" "$("$PLIMSOLL" catalog show my-$id | grep 'of 100')" "$("$PLIMSOLL" catalog show $id | grep 'of 100')"
    ok "with its error" sh -c "'$PLIMSOLL' catalog show my-$id | grep -q '(+- [1-9].*, \(none\|family\), 0 sources)'"
done
run plan my-afm-4.5b --on "$box" -c 4k --json
is "and says that it rests on nothing else" "$(jq -r '.plans[0].quality | [.evidence, .score > 0] | join(" ")' "$tap_tmp/out")" "none true"

# ---- what a card shows, and how it is found
run catalog show gpt-oss-20b
for fact in '^Released   2025-08$' '^GGUF       ggml-org/gpt-oss-20b-GGUF' '^MLX        .*gpt-oss-20b' '^Benchmarks .* [0-9.]+ \(20'; do
    ok "catalog show: $fact" grep -Eq "$fact" "$tap_tmp/out"
done
card guessed-1b ',"unverified":["params_total"],"params_total":1000000000,"variants":{"gguf":[{"repo":"a/b-GGUF","unverified":true}]}' >"$tap_tmp/guessed.json"
"$PLIMSOLL" catalog add "$tap_tmp/guessed.json" >/dev/null
is "what nobody has verified is marked" "$("$PLIMSOLL" catalog show guessed-1b | grep -c -e '^Unverified params_total$' -e '^GGUF       a/b-GGUF (unverified)$' -e '^Released   unknown$')" 3
is "a license by how it begins" "$("$PLIMSOLL" catalog list --license Apache --format csv | cut -d, -f8 | sort -u | tr '\n' ' ')" "apache-2.0 license "
run catalog search multilingal
is "a misspelt word: the nearest" "$status $(grep -c "'multilingal'; the nearest is 'multilingual'" "$tap_tmp/err")" "1 1"
run catalog search gemma mistral
is "words that are right but never together: no hint" "$status $(cat "$tap_tmp/err")" "1 "

# ---- on this machine fits() knows the rates that fit has
export XDG_DATA_HOME="$tap_tmp/rates"
is "fits() measures what fit would" "$("$PLIMSOLL" sql --format csv "SELECT count(*) > 0, sum(decode_tps IS NULL) FROM fits(NULL, 'chat', '4k', NULL, 'Q4_K_M', 'qwen3') WHERE fits" | tail -1)" "1,0"
is "and keeps it" "$("$PLIMSOLL" sql --format csv "SELECT count(*) > 0 FROM results WHERE metric = 'stream_gbs'" | tail -1)" 1

# ---- an empty file where the database should be, and what dead writers left
export XDG_DATA_HOME="$tap_tmp/blank"
mkdir -p "$XDG_DATA_HOME/plimsoll"; : >"$XDG_DATA_HOME/plimsoll/user.db"
(cd "$XDG_DATA_HOME/plimsoll" && touch -d '2 hours ago' user.db.new999999 user.db.new999999-journal && touch user.db.new999998 user.dbs user.db.new1x)
run catalog list -n 1
is "an empty database is none" "$status $(cat "$tap_tmp/err")" "0 "
run catalog add "$tap_tmp/new.json"
is "and is made" "$status $(wc -l <"$tap_tmp/out" | tr -d ' ')" "0 1"
is "leftovers of dead writers go when they are old" "$(ls "$XDG_DATA_HOME/plimsoll" | tr '\n' ' ')" "user.db user.db.new1x user.db.new999998 user.dbs "

# ---- damage says which file, and what to do
head -c 5000 /dev/zero | tr '\0' x >"$XDG_DATA_HOME/plimsoll/user.db"
refuses "damaged database: what to do" 3 'user.db: damaged, or not a catalog; move it away' catalog add "$tap_tmp/new.json"
rm "$XDG_DATA_HOME/plimsoll/user.db"; "$PLIMSOLL" catalog add "$tap_tmp/new.json" >/dev/null
size=$(wc -c <"$XDG_DATA_HOME/plimsoll/user.db")
if command -v sqlite3 >/dev/null; then
    page=$(sqlite3 "$XDG_DATA_HOME/plimsoll/user.db" "PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = WAL; SELECT rootpage FROM sqlite_schema WHERE name = 'cards'" | tail -1)
    head -c 4096 /dev/zero | tr '\0' '\377' | dd of="$XDG_DATA_HOME/plimsoll/user.db" bs=4096 seek=$((page - 1)) conv=notrunc 2>/dev/null
    refuses "a damaged page is blamed on the file that it is in ($size bytes)" 3 'user.db: damaged.*move it away' catalog export
fi

# ---- too much to search for
long=$(printf 'word %.0s' $(seq 200))
# shellcheck disable=SC2086
refuses "catalog search: words without end" 2 'more than 511 bytes' catalog search $long
# shellcheck disable=SC2086
refuses "catalog check: words without end" 2 'more than 511 bytes' catalog check $long

done_testing
