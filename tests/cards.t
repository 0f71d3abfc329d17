#!/bin/sh
# Card files and what is made of them: documentation that names every key, a build that is reproducible and refuses mistakes.
. tests/tap.sh

page=man/plimsoll-card.5
schema=data/schema/card.schema.json
keys=$(sed -n 's/^PLS_CARD_[A-Z0-9]*([a-z0-9_]*, "\([a-z0-9_]*\)".*/\1/p' include/plimsoll/card_fields.def)
is "the list of hyperparameters was read" "$([ "$(echo "$keys" | wc -l)" -gt 60 ] && echo yes)" yes
jq -r '."$defs".card.properties | keys[]' "$schema" >"$tap_tmp/schema-keys"
missing=
for key in $keys layer_kinds compress_ratios indexer_layers; do
    grep -Eq "^\.It Va (.* )?$key( |\$)" "$page" || missing="$missing $page:$key"
    grep -qx "$key" "$tap_tmp/schema-keys" || missing="$missing $schema:$key"
done
empty "manual and schema know every hyperparameter" "$missing"
empty "and no other" "$(jq -r '."$defs".shape.properties | keys[]' "$schema" | while read -r key; do
    echo "$keys layer_kinds compress_ratios indexer_layers" | tr ' ' '\n' | grep -qx "$key" || echo "$key"; done)"
is "every word of the schema's layer kinds is in the manual" \
    "$(jq -r '."$defs".shape.properties.layer_kinds.pattern' "$schema" | sed 's/[^A-Za-z]//g' | fold -w1 | while read -r k; do
        grep -qx "\.Sy $k" "$page" || echo "$k"; done)" ""
# The other manual is found only once it is installed.
empty "the manual is clean" "$(mandoc -T lint -W style "$page" | grep -v 'referenced manual not found')"

# Every card file: valid JSON, ids unique and in order, sources for what is claimed.
empty "ids are unique" "$(jq -r '.cards[].id' data/cards/*.json | sort | uniq -d)"
empty "every card names its sources and its total" "$(jq -r '.cards[] | select((.sources.shape | length) == 0 or (.sources.params | length) == 0
    or (.checkpoint.params // 0) <= 0 or (.checkpoint.source // "") == "") | .id' data/cards/*.json)"
empty "the names of card files are their families" "$(for f in data/cards/*.json; do
    [ "$(jq -r .family "$f")" = "$(basename "$f" .json)" ] || echo "$f"; done)"
known=$(jq -r '.cards[].id' data/cards/*.json | wc -l)
is "at least 380 models" "$([ "$known" -ge 380 ] && echo yes)" yes

# Repositories. A conversion without an importance matrix is no reason to pass over the maker's own; of what only reads, none is.
empty "the maker's own files come before other conversions" "$(jq -r '.cards[] | (.hf_repo // "/" | split("/")[0] | ascii_downcase) as $maker
    | ((.use_cases // []) - ["embedding", "rerank"] == []) as $reads | [.variants.gguf[]? | select(.unverified | not) | .repo] as $all
    | [$all[] | split("/")[0] | ascii_downcase == $maker] as $own | select($own | index(true)) | .id as $id
    | $all[:($own | index(true))][] | select($reads or (test("^(bartowski|unsloth|ubergarm)/|^mradermacher/.*-i1-") | not)) | "\($id) \(.)"' \
    data/cards/*.json)"
jq -r '.cards[] | .id as $id | .variants // {} | (.awq, .gptq, .fp8) | select(.) | "\(length) listed",
    ([.[].repo] | group_by(.)[] | select(length > 1) | $id), (.[] | select((.unverified | not) and .source == null) | "\($id) \(.repo)")' \
    data/cards/*.json >"$tap_tmp/packed"
is "packed checkpoints are read" "$? $([ "$(awk '$2 == "listed" { n += $1 } END { print n }' "$tap_tmp/packed")" -gt 300 ] && echo yes)" "0 yes"
empty "they are named once, and say where they were seen" "$(grep -v ' listed$' "$tap_tmp/packed")"
# Planned by its name, each gives what its card says it holds, and itself. Of one architecture no list of tensors is known.
jq -r '.cards[] | select(.arch != "qwen4exp") | .id as $id | (.hf_repo // "") as $own | .variants // {} | {awq, gptq, fp8} | to_entries[] | .key as $f
    | .value[]? | select((.unverified | not) and .repo != $own)
    | [.repo, $id, .quants[0] // {awq: "awq-4bit-g128", gptq: "gptq-4bit-g128", fp8: "fp8"}[$f]] | @tsv' data/cards/*.json >"$tap_tmp/packed"
cut -f1 "$tap_tmp/packed" | xargs -n 16 "$PLIMSOLL" plan --on "8x h200, 2tb ram" -c 512 --json | jq -r '.plans[]
    | [(.commands.vllm // "" | sub("^vllm serve "; "") | sub(" .*"; "")), .model.id, .quant] | @tsv' >"$tap_tmp/planned"
is "packed repositories are there to plan" "$([ "$(wc -l <"$tap_tmp/packed")" -gt 300 ] && echo yes)" yes
is "by its name, each is what its card says, and itself" "$(diff "$tap_tmp/packed" "$tap_tmp/planned")" ""
is "in whatever case, and as an address" "$("$PLIMSOLL" plan cyankiwi/QWEN3.6-27b-awq-int4 https://huggingface.co/jakiAJK/DeepSeek-R1-Distill-Llama-8B_AWQ \
    --on "rtx 4090, 64gb ram" -c 2k --json | jq -r '.plans[] | [.model.id, .quant] | join(" ")' | tr '\n' ',')" \
    "qwen3.6-27b awq-4bit-g32,deepseek-r1-distill-llama-8b awq-4bit-g128,"
is "a fit by such a name as well" "$("$PLIMSOLL" fit cyankiwi/gemma-4-31B-it-AWQ-4bit --on "8x h200, 2tb ram" --json |
    jq -r '.configs[0] | [.quant, .commands.vllm] | join(" ")' | cut -d' ' -f1-4)" "awq-4bit-g32 vllm serve cyankiwi/gemma-4-31B-it-AWQ-4bit"
for on in "m4 16gb" "rtx 4090, 64gb ram" "i5-1240p 16gb"; do for task in embedding rerank; do
    "$PLIMSOLL" fit --on "$on" --task $task -n 8 --json | jq -r '.configs[] | .commands."llama.cpp" // "none"'; done; done >"$tap_tmp/readers"
is "embedders and rerankers are offered" "$([ "$(wc -l <"$tap_tmp/readers")" -ge 24 ] && echo yes)" yes
empty "in what somebody published" "$(grep -v ' -hf ' "$tap_tmp/readers")"

# Building.
ok "the catalog builds" "$BUILD/mkcatalog" -o "$tap_tmp/a.db" data
ok "and builds again" "$BUILD/mkcatalog" -o "$tap_tmp/b.db" data
ok "to the same bytes" cmp "$tap_tmp/a.db" "$tap_tmp/b.db"
is "which are those shipped" "$(cmp "$tap_tmp/a.db" "$BUILD/catalog.db" 2>&1)" ""
is "SQLite finds nothing wrong with it" "$(sqlite3 "$tap_tmp/a.db" 'PRAGMA integrity_check; PRAGMA foreign_key_check')" ok
is "every card is in it" "$(sqlite3 "$tap_tmp/a.db" 'SELECT count(*) FROM models')" "$(echo "$known" | tr -d ' ')"
is "benchmarks too" "$(sqlite3 "$tap_tmp/a.db" 'SELECT count(*) FROM benchmarks')" \
    "$(jq '[.cards[].benchmarks | length] | add' data/cards/*.json | awk '{ n += $1 } END { print n }')"
is "every query the program asks has an index" "$(sqlite3 "$tap_tmp/a.db" "EXPLAIN QUERY PLAN SELECT * FROM models WHERE id = 'x';
    EXPLAIN QUERY PLAN SELECT model FROM aliases WHERE key = 'x'; EXPLAIN QUERY PLAN SELECT * FROM abilities WHERE model = 'x';
    EXPLAIN QUERY PLAN SELECT * FROM benchmarks WHERE name = 'x'" | grep -c 'SCAN')" 0

# Abilities: every language model is rated and says on what evidence.
is "every language model has an ability" "$(sqlite3 "$tap_tmp/a.db" "SELECT count(*) FROM models m WHERE use_cases NOT IN ('embedding', 'rerank', 'moderation')
    AND NOT EXISTS (SELECT 1 FROM abilities WHERE model = m.id AND task = 'chat')")" 0
is "own evidence means own scores" "$(sqlite3 "$tap_tmp/a.db" "SELECT count(*) FROM abilities WHERE (evidence = 'direct') != (n_sources > 0)")" 0
is "nothing is certain" "$(sqlite3 "$tap_tmp/a.db" "SELECT count(*) FROM abilities WHERE se <= 0 OR score <= 0 OR score >= 100")" 0
is "no evidence is less certain than evidence" "$(sqlite3 "$tap_tmp/a.db" "SELECT avg(se) FILTER (WHERE evidence = 'none')
    > avg(se) FILTER (WHERE evidence = 'direct') FROM abilities WHERE task = 'chat'")" 1
is "of two siblings of a month the smaller is never clearly the abler" "$(sqlite3 "$tap_tmp/a.db" "WITH t AS (SELECT m.*, a.score, a.se FROM models m
    JOIN abilities a ON a.model = m.id AND a.task = 'chat' AND a.n_sources >= 5) SELECT count(*) FROM t x JOIN t y ON x.family = y.family AND
    x.release = y.release AND y.params_total >= 2 * x.params_total AND y.params_active >= 2 * x.params_active WHERE x.score - y.score > x.se + y.se")" 0
empty "every benchmark enters the fit or is known not to" "$(sqlite3 "$tap_tmp/a.db" "SELECT name FROM benchmarks WHERE name NOT IN (SELECT name
    FROM scales) GROUP BY name HAVING count(*) > 3 AND name != 'ollb2_average'")"

# The example of the manual, and mistakes.
mkdir -p "$tap_tmp/data/cards"
awk '/^\.Bd -literal/ { on = 1; next } /^\.Ed/ { exit } on' "$page" >"$tap_tmp/data/cards/tiny.json"
ok "the manual's example is a card" "$BUILD/mkcatalog" -o "$tap_tmp/tiny.db" "$tap_tmp/data"
refused() { # refused NAME PATTERN: mkcatalog fails on $tap_tmp/data with one line that matches, and leaves no file
    rm -f "$tap_tmp/bad.db"
    if "$BUILD/mkcatalog" -o "$tap_tmp/bad.db" "$tap_tmp/data" >"$tap_tmp/out" 2>"$tap_tmp/err"; then fail "$1" "it was accepted"
    elif [ -e "$tap_tmp/bad.db" ]; then fail "$1" "a file was left"
    elif [ "$(wc -l <"$tap_tmp/err")" != 1 ] || ! grep -Eq "$2" "$tap_tmp/err"; then fail "$1" "$(cat "$tap_tmp/err")"
    else pass "$1"; fi
}
cp "$tap_tmp/data/cards/tiny.json" "$tap_tmp/tiny.json"
sed 's/"n_layers": 16/"n_layers": "16"/' "$tap_tmp/tiny.json" >"$tap_tmp/data/cards/tiny.json"
refused "a wrong type is named with file, card and key" 'cards/tiny\.json: tiny-1b-instruct: n_layers: not a number$'
sed 's/"n_heads"/"n_head"/' "$tap_tmp/tiny.json" >"$tap_tmp/data/cards/tiny.json"
refused "so is a misspelt key" 'cards/tiny\.json: tiny-1b-instruct: n_head: no such key in shape$'
head -c 200 "$tap_tmp/tiny.json" >"$tap_tmp/data/cards/tiny.json"
refused "a truncated file" 'cards/tiny\.json: not a JSON object$'
cp "$tap_tmp/tiny.json" "$tap_tmp/data/cards/tiny.json"; cp "$tap_tmp/tiny.json" "$tap_tmp/data/cards/twin.json"
refused "an id that is there twice" 'cards/twin\.json: tiny-1b-instruct: is in the catalog already'
rm "$tap_tmp/data/cards/twin.json"
printf 'id\tvendor\tname\tkind\tbandwidth_gbs\nx\ty\tz\tdiscrete\tfast\n' >"$tap_tmp/data/hardware.tsv"
refused "a table with a word where a number belongs" 'hardware\.tsv: line 2: '
rm -r "$tap_tmp/data/cards"; rm "$tap_tmp/data/hardware.tsv"
refused "a folder without cards" 'cards: No such file or directory$'
done_testing
