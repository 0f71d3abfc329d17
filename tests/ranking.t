#!/bin/sh
# The order of what fits: nobody can point at a row and say that one below is better in every respect.
. tests/tap.sh

# Rows of one answer that break a promise, one line each. Quality, speed and context as printed; an embedder's speed is that
# of reading.
broken='
def speed: if $task == "embedding" then .speed.prefill_tps else .speed.decode_tps end;
def is_said: .reasons | index("speed-unknown") != null;
def floors: [.reasons[] | select(. == "below-speed-floor" or . == "below-quant-floor" or . == "short-context")] | sort;
.configs as $c
| ($c[] | select(.fits | not) | "does not fit: \(.model.id):\(.quant)"),
  (range(0; $c | length) as $i | range($i + 1; $c | length) as $k | $c[$i] as $a | $c[$k] as $b
   | select((($a | is_said) and ($b | is_said)) | not) # judged by a guess that no field shows, which the row says
   | select($b.quality.score >= $a.quality.score and ($b | speed) >= ($a | speed) and $b.context_tokens >= $a.context_tokens
            and ($b.quality.score > $a.quality.score or ($b | speed) > ($a | speed) or $b.context_tokens > $a.context_tokens))
   | "\($a.model.id) (row \($i + 1)) is beaten by \($b.model.id) (row \($k + 1))"),
  ($c[] | select((speed == null) != is_said) | "\(.model.id): whether its speed is known is not what it says"),
  ($c | map(floors) | unique | select(length > 1) | "rows under different floors side by side: \(.)"),
  ($c | map(.model.id) + map(.also[]) | group_by(.)[] | select(length > 1) | "twice: \(.[0])")'

check() { # TASK WHERE...
    task=$1; shift
    run fit "$@" --task "$task" --no-bench -n 10 --json
    if [ "$status" -gt 1 ]; then cat "$tap_tmp/err"; else jq -r --arg task "$task" "$broken" "$tap_tmp/out"; fi
}

# ---- every 12th profile of the hardware table, the tasks in turn
n=0 asked=0
: >"$tap_tmp/broken"
"$PLIMSOLL" hardware --json | jq -r '.profiles | to_entries[] | select(.key % 12 == 1) | .key as $k | .value
    | (.memory_bytes // []) as $m | .id + (if ($m | length) > 1 then " \($m[($k / 12 | floor) % ($m | length)] / 1073741824)gb" else "" end)' \
    >"$tap_tmp/profiles"
while read -r machine; do
    n=$((n + 1))
    case $((n % 4)) in 0) task=code ;; 1) task=chat ;; 2) task=reasoning ;; *) task=embedding ;; esac
    asked=$((asked + 1))
    check $task --on "$machine" </dev/null | sed "s/^/$machine, $task: /" >>"$tap_tmp/broken"
done <"$tap_tmp/profiles"
empty "no row is beaten by one below it, on any of $asked profiles" "$(head -20 "$tap_tmp/broken")"
ok "most profiles could be asked" test "$asked" -ge 20

# ---- recorded machines, small and large, with two and more graphics cards
: >"$tap_tmp/broken"
for record in tests/records/*.json; do
    for task in chat code vision tools; do
        check $task --on "$record" | sed "s|^|$record $task: |" >>"$tap_tmp/broken"
    done
done
empty "nor on the recorded machines" "$(grep -v 'machine record' "$tap_tmp/broken" | head -20)"

# ---- the search that stops early finds what the exhaustive one finds, and fewer rows are the first of more
columns='NR > 1 && NR <= 9 { print $2, $4, $5, $8 }'
for r in cpu-32g cuda-24g laptop-24g; do
    for t in code vision embedding; do
        "$PLIMSOLL" fit --on tests/records/$r.json --task $t --top 8 --format csv | awk -F, "$columns" >"$tap_tmp/few"
        "$PLIMSOLL" fit --on tests/records/$r.json --task $t --top 0 --format csv | awk -F, "$columns" >"$tap_tmp/all"
        ok "first rows of $t on $r" cmp "$tap_tmp/few" "$tap_tmp/all"
    done
done

for engine in "mlx:m4 max 64gb" "vllm:2x rtx 3090 + 64gb ram"; do
    for n in 8 0; do
        "$PLIMSOLL" fit --on "${engine#*:}" --runtime "${engine%%:*}" --top $n --format csv | awk -F, "$columns" >"$tap_tmp/top$n"
    done
    ok "first rows for ${engine%%:*}" cmp "$tap_tmp/top8" "$tap_tmp/top0"
    ok "in more than one quantization" test "$(cut -d' ' -f3- "$tap_tmp/top8" | grep -Eo '(mlx-[3-8]bit|awq|fp8|safetensors)' | sort -u | wc -l)" -gt 1
done

# rows of 2688 and 2880 do not divide into blocks of 256: these files come out twice as wide as their name says
run fit --on "m4 max 64gb" -q IQ2_XXS --top 6 --json
is "models that a quant is wider for are found" \
    "$(jq -c '[.configs[].model.id] | [contains(["nemotron-3.5-lightning-30b-a3b"]), contains(["gpt-oss-20b"])]' "$tap_tmp/out")" '[true,true]'

box=tests/records/laptop-24g.json
# ---- floors
run fit --on $box --min-speed 100 -n 0 --json
is "--min-speed leaves slower ones out" "$(jq '[.configs[] | select(.speed.decode_tps < 100)] | length' "$tap_tmp/out")" 0
run fit --on $box --min-quality 30 -n 0 --json
is "--min-quality leaves weaker ones out" "$(jq '[.configs[] | select(.quality.score < 30)] | length' "$tap_tmp/out")" 0
run fit --on $box --quant-floor 6 -n 0 --json
is "--quant-floor leaves coarser ones out" "$(jq '[.configs[] | select(8 * .bytes.tensor_data / .model.params < 6)] | length' "$tap_tmp/out")" 0
run fit llama-3.3-70b --on tests/records/cpu-32g.json --json
is "what is all under a floor is offered, and says so" \
    "$status $(jq -r '[.configs[].reasons[] | select(startswith("below-"))] | length > 0' "$tap_tmp/out")" "0 true"
run fit llama-3.3-70b --on tests/records/cuda-24g.json --json
is "a 70B fits 24 GB under 3 bits, above its own floor and flagged" \
    "$(jq -c '.configs[0] | [.quant, (.reasons | contains(["low-bits"])), ([.reasons[] | select(startswith("below-"))] | length)]' "$tap_tmp/out")" '["IQ2_M",true,0]'
run fit --on "m4 max 128gb" -n 0 --json
is "under 4 bits only where 4 bits do not fit, and flagged" \
    "$(jq '[.configs[] | select(8 * .bytes.tensor_data / .model.params < 4 and (.reasons | (contains(["low-bits"]) or contains(["native-quant"])) | not))] | length' "$tap_tmp/out")" 0

# ---- tasks
run fit --on $box --task embedding -n 0 --json
jq -r '.configs[].model.id' "$tap_tmp/out" | sort >"$tap_tmp/found"
"$PLIMSOLL" sql "SELECT id FROM models WHERE ' ' || use_cases || ' ' LIKE '% embedding %' ORDER BY id" --format csv | tail -n +2 | sort >"$tap_tmp/embedders"
empty "embedding: embedders alone" "$(comm -23 "$tap_tmp/found" "$tap_tmp/embedders")"
ok "and some of them" test -s "$tap_tmp/found"
run fit --task rerank --on "m4 max 64gb" -n 0 --json
is "rerank: rerankers alone, and more than a handful" \
    "$(jq -r '.configs | map(.model.id, .also[]) | (map(select(test("rerank") | not)) | length), length >= 6' "$tap_tmp/out" | xargs)" "0 true"
run fit bge-m3 --task embedding --on $box --emit llama.cpp
ok "an embedder takes a whole text at once" grep -Eq -- '-c 2048 .*-ub 2048 .*--embeddings' "$tap_tmp/out"
run fit qwen3-reranker --task rerank --on $box --emit llama.cpp
ok "so does a reranker that is no encoder" grep -Eq -- '-c 2048 .*-ub 2048 .*--reranking' "$tap_tmp/out"
run fit bge-m3 --task embedding --on $box -q Q8_0 -n 1 --json
bytes=$(jq '.configs[0].bytes.total' "$tap_tmp/out")
run sql "SELECT total_bytes FROM fits('$box', 'embedding', '2k', NULL, 'Q8_0', 'bge-m3') WHERE model = 'bge-m3'" --format csv
is "in sql as well" "$(tail -n 1 "$tap_tmp/out")" "$bytes"
run fit lightonocr --on $box
is "an OCR model does not chat" "$status" 1
run fit lightonocr --on $box --task vision --json
is "but sees, with its projector counted" "$status $(jq '.configs[0].bytes.projector > 0' "$tap_tmp/out")" "0 true"

# ---- what is asked for by name
refuses "a name that no model has" 2 "no model is called 'nosuchmodel'" fit nosuchmodel --on $box
run fit llama3.1:8b --on $box --json
is "a tag of the library is a name" "$status $(jq -r '[.configs[].model.id, .configs[].also[]] | index("llama-3.1-8b-instruct") != null' "$tap_tmp/out")" "0 true"
refuses "a mixture that no name predicts" 3 'cannot be predicted' fit -q UD-Q4_K_XL --on $box
run fit -q mlx-4bit --on "m4 max 64gb" -n 1 --json
is "a quant brings the engine that loads it" "$status $(jq -r '.configs[0].runtime' "$tap_tmp/out")" "0 mlx"
run fit --emit vllm --on "rtx 4090"
ok "so does the command asked for" grep -q '^vllm serve' "$tap_tmp/out"

# ---- a command for scripts runs as it is printed: from the first row whose files are in a repository known of
# What fit would do by hand: the first row with a command that no file has to be made for.
first_fetched() {
    jq -r '[.configs[] | select(.commands["llama.cpp"] // "" | test("^llama-server -hf "))][0].commands["llama.cpp"]' "$tap_tmp/out"
}
run fit --task rerank -q Q5_K_M --on $box -n 0 --json
is "the first reranker has no file to fetch" \
    "$(jq -r '.configs[0].commands["llama.cpp"]' "$tap_tmp/out" | cut -d' ' -f2)" "-m"
wanted=$(first_fetched)
run fit --task rerank -q Q5_K_M --on $box --emit llama.cpp
is "so that the command is of the first that has" "$status $(cat "$tap_tmp/out")" "0 $wanted"
ok "and a line says which ranks higher" grep -q 'ranks higher' "$tap_tmp/err"
run fit --ram 300M --on $box --emit llama.cpp
is "nothing to run is said" "$status $(cat "$tap_tmp/out" "$tap_tmp/err")" "1 plimsoll: nothing fits"
run fit -c 1m --on "m4 max 64gb" -n 3
ok "the context asked for is the one that counts" grep -q '^Asked .*at least 1024k tokens' "$tap_tmp/out"
run fit -c 1m --on "m4 max 64gb" -n 0 --json
is "and models not trained for it stay behind" "$(jq '[.configs[] | select(.model.context_max_tokens < 1048576)] | length' "$tap_tmp/out")" 0
run fit -n 1 --on $box
ok "one row that was asked for is not the only one that fits" awk '/only one|too large/ { exit 1 }' "$tap_tmp/out"
run fit --runtime vllm --on "rtx 4090" -n 1 --json
is "what vLLM fills its share with is not missing" "$(jq '.configs[0].margin_bytes > 1e9 and (.configs[0].reasons | contains(["tight"]) | not)' "$tap_tmp/out")" true

# ---- siblings share a row
run fit qwen3 27b --on "rtx 4090" --json
ok "siblings of one base are one row that names the others" \
    jq -e '[.configs[] | select(.model.id == "qwen3.8-27b") | .also[] | select(. == "qwen3.6-27b" or . == "qwen3.5-27b")] | length == 2' "$tap_tmp/out"

run fit qwen3-8b --on "m4 16gb" --json
is "the model that is named stands for its base" "$status $(jq -r '.configs[0].model.id' "$tap_tmp/out")" "0 qwen3-8b"
run fit llama 70b --on "m4 max 64gb" --json
is "scores of one's own stand before a family's" \
    "$(jq -r '.configs[0] | .quality.evidence, (.also | index("hermes-4-70b") != null)' "$tap_tmp/out" | xargs)" "direct true"
is "a named model is not its family's guess" "$("$PLIMSOLL" fit hermes-4-70b --on "m4 max 64gb" --format csv | awk -F, 'NR == 2 { print $2 }')" "Hermes 4 70B"

# ---- wider than four bits where it is free, narrower where it must be
run fit qwen3.6-35b-a3b --on "rtx 4090 + 64gb ram" -c 32k --json
is "no layer moves to RAM for bits beyond four" \
    "$(jq -c '.configs[0] | [.quant, (.reasons | index("partial-offload"))]' "$tap_tmp/out")" '["Q4_K_M",null]'
run fit qwen3.6-35b-a3b --on "rtx 4090 + 64gb ram" -c 32k -q Q6_K --json
is "unless it was asked for" "$(jq -c '.configs[0] | [.quant, (.reasons | index("partial-offload") != null)]' "$tap_tmp/out")" '["Q6_K",true]'
run fit qwen3.8-27b --on "rtx 3060 + 32gb ram" --task tools --json
score=$(jq '.configs[0].score' "$tap_tmp/out")
run fit qwen3.8-27b --on "rtx 3060 + 32gb ram" --task tools --each --json
ok "a cache that moves layers back onto the GPU is found" \
    awk "BEGIN { exit !($score > 0.985 * $(jq '[.configs[].score] | max' "$tap_tmp/out")) }"

for w in qwen3-8b:Q4_K_M qwen3:8b-q4_K_M Qwen3-8B-Q4_K_M.gguf; do
    run fit $w --on "m4 max 64gb" --json
    is "the quantization in $w is the one" "$status $(jq -r '.configs[0].quant' "$tap_tmp/out")" "0 Q4_K_M"
done
run fit mlx-community/Qwen3-8B-4bit --on "m4 max 64gb" --json
is "and brings its engine" "$status $(jq -r '.configs[0] | .quant, .runtime' "$tap_tmp/out" | xargs)" "0 mlx-4bit-g64 mlx"
refuses "one that is none" 2 "'q9_z' is not a quantization" fit qwen3-8b:Q9_Z --on "m4 max 64gb"
run fit --on "rtx 4090 + 64gb ram" --emit vllm
ok "what is left out for want of a repository is said" grep -q 'FP8, AWQ and GPTQ checkpoints of which no repository is known are left out' "$tap_tmp/err"
run fit qwen3-8b --on "rtx 4090 + 64gb ram" --emit vllm
is "and nothing where nothing was" "$status $(grep -c 'left out' "$tap_tmp/err")" "0 0"

# ---- a draft beside a model
run plan llama-3.3-70b:Q4_K_M --draft auto --on "2x rtx 3090" -c 8k -np 1 --json
is "the smallest of its kin drafts, and its memory counts" \
    "$status $(jq -c '[(.plans | map(.model.id)), .together.total_bytes == ([.plans[].bytes.total] | add), (.plans[0].notes | map(.code) | index("draft") != null)]' "$tap_tmp/out")" \
    '0 [["llama-3.3-70b-instruct","llama-3.2-1b-instruct"],true,true]'
run plan llama-3.3-70b:Q4_K_M --draft auto --on "2x rtx 3090" --emit llama.cpp
is "one command runs both" "$(grep -c . "$tap_tmp/out") $(grep -Eo -- '-hfd [^ ]*:Q8_0 --spec-type draft-simple --spec-draft-n-max [0-9]+ -ngld 17' "$tap_tmp/out" | wc -l)" "1 1"
run plan llama-3.3-70b:Q4_K_M --draft auto --on "2x rtx 3090" --json
is "a context that is ours to choose leaves room for the draft, which gets the same" \
    "$status $(jq -c '[(.plans | length), .together.fits, (.plans[0].context_tokens == .plans[1].context_tokens)]' "$tap_tmp/out")" '0 [2,true,true]'
run plan qwen3-32b --draft auto --on "rtx 4090" --json
is "a draft of the same family comes before a smaller cousin" "$(jq -c '[.plans[].model.id]' "$tap_tmp/out")" '["qwen3-32b","qwen3-0.6b"]'
run plan phi-4 --draft auto --on "rtx 4090" -c 8k --json
is "where nothing drafts, that is said" "$status $(jq -c '[(.plans | length), ([.plans[0].notes[] | select(.code == "draft").text] | length)]' "$tap_tmp/out")" '0 [1,1]'
refuses "a draft of another vocabulary" 2 'needs the vocabulary' plan gemma-3-27b-it --draft qwen3-0.6b --on "rtx 4090"

# ---- policy file
mkdir -p "$XDG_CONFIG_HOME/plimsoll"
policy() { printf '%s\n' "$1" >"$XDG_CONFIG_HOME/plimsoll/policy.json"; }
policy '{"weight_speed": 0.9, "speed_power": 0.5, "code": {"weight_speed": 0}}'
run fit --on $box --explain
ok "the policy file is heard" grep -Eq '^  weight_speed +0\.9 ' "$tap_tmp/out"
run fit --on $box --task code --explain
ok "and a task of its own in it" grep -Eq '^  weight_speed +0 ' "$tap_tmp/out"
run fit --on $box -n 1 --json
fast=$(jq '.configs[0].speed.decode_tps' "$tap_tmp/out")
policy '{"weight_speed": 0}'
run fit --on $box -n 1 --json
ok "weights change the order" awk "BEGIN { exit !($fast > $(jq '.configs[0].speed.decode_tps' "$tap_tmp/out")) }"
policy '{"weight_sped": 1}'; refuses "an unknown field" 2 "policy.json: 'weight_sped' is not a field" fit --on $box
policy '{"chat": {"min_quality": "high"}}'; refuses "a wrong type" 2 'policy.json: chat.min_quality: expected a number' fit --on $box
policy '{"weight_speed": 3}'; refuses "a number out of range" 2 'from 0 to 1' fit --on $box
policy '{"wish_context_tokens": 1000.5}'; refuses "half a token" 2 'whole number' fit --on $box
policy '{"wish_context_tokens": 100}'; refuses "a wish below the least" 2 'less than min_context_tokens' fit --on $box
policy '{"weight_speed": 1'; refuses "broken JSON" 2 'not a JSON object' fit --on $box
policy '[]'; refuses "no object" 2 'not a JSON object' fit --on $box
rm "$XDG_CONFIG_HOME/plimsoll/policy.json"
run fit --on $box --explain
rows=$(awk '/^ *[a-z0-9.-]+ +[0-9.]+ = / { split($0, at, "="); n = split(at[2], f, "x"); p = 1; for (i = 1; i <= n; i++) p *= f[i]; split(at[1], s, " "); d = s[2] - p; if (d > 0.2 || d < -0.2) print $0 }' "$tap_tmp/out")
empty "scores are the product that --explain shows" "$rows"
is "of the first rows" "$(grep -Ec '^ +[a-z0-9.-]+ +[0-9.]+ = ' "$tap_tmp/out")" 5
# ---- where nothing reaches the floor the least slow leads; what is left out is not called too large
run fit qwen3 8b --on "16gb laptop" --json
is "a slow machine gets four bits" "$(jq -r '.configs[0] | .quant, (.reasons | index("below-speed-floor") != null)' "$tap_tmp/out" | tr '\n' ' ')" "Q4_K_M true "
run fit mistral small --on "32gb laptop"
ok "others that match are said to be under a floor" grep -q 'others that match are too large or under a floor' "$tap_tmp/out"
done_testing
