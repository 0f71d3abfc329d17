#!/bin/sh
# Every JSON document against its schema in data/schema/.
. tests/tap.sh

violations() { jq -rn --slurpfile schema "$1" --slurpfile document "$2" -f tests/schema.jq 2>&1 | head -20; }

valid() { # SCHEMA ARGS...
    name=$1; shift
    run "$@"
    if [ "$status" -gt 1 ]; then fail "$name: $*" "exit status $status" "$(cat "$tap_tmp/err")"; return; fi
    empty "$name: $*" "$(violations "data/schema/$name.schema.json" "$tap_tmp/out")"
}

for r in tests/records/*.json; do
    valid probe probe --on "$r" --json
    valid plan plan qwen3-30b-a3b:Q4_K_M gpt-oss-20b --on "$r" -c 8k --json
    valid fit fit --on "$r" --top 5 --json
done
valid probe probe --json --no-bench
valid plan plan qwen3-8b --json --on tests/records/cpu-32g.json --ram 1G
valid plan plan qwen3-8b --json --on tests/records/cuda-24g.json --runtime vllm -c 8k
valid plan plan qwen3-8b --json --on tests/records/laptop-24g.json --runtime mlx -c 8k
valid fit fit --json --on tests/records/cpu-32g.json --ram 64M
valid compare compare qwen3-8b qwen3-4b --on tests/records/cpu-32g.json --on tests/records/cuda-24g.json -c 8k --json
valid compare compare --on tests/records/cpu-32g.json --on tests/records/cuda-24g.json --json
valid need need qwen3-32b:Q4_K_M -c 8k --top 3 --json
valid catalog catalog list --json
valid catalog catalog search no-such-words --json
valid catalog catalog list --license mit --since 2026-01 --json
valid check catalog check qwen3 --json
valid check catalog check data/cards/phi.json --json
valid sql sql "SELECT id FROM models WHERE 0" --json
valid sql sql "SELECT * FROM fits('tests/records/cpu-32g.json', 'chat', '4k 128k', 'f16 q8_0', 'Q4_K_M') WHERE model IN ('qwen3-8b', 'deepseek-v3')" --json
valid sql sql "SELECT id, params_total, NULL AS unknown FROM models LIMIT 3" --json
valid hardware hardware --json
valid match hardware match --name "Apple M1" --json
valid kernels bench --list --json
printf '{"model_type":"llama","architectures":["LlamaForCausalLM"],"hidden_size":2048,"num_hidden_layers":16,"num_attention_heads":32,"num_key_value_heads":8,"intermediate_size":8192,"vocab_size":128256,"max_position_embeddings":131072,"tie_word_embeddings":true}' >"$tap_tmp/config.json"
valid inspect inspect "$tap_tmp/config.json" --json

# Records written by hand are records too, but for what may be absent.
for r in tests/records/*.json; do
    empty "$r has no field that the schema lacks" "$(violations data/schema/probe.schema.json "$r" | grep -v ': missing$')"
done
for s in data/schema/*.schema.json; do ok "$s is JSON" jq -e . "$s"; done

# The validator itself must be able to fail.
"$PLIMSOLL" plan qwen3-8b --on tests/records/cpu-32g.json -c 4k --json >"$tap_tmp/good"
broken() { jq "$1" "$tap_tmp/good" >"$tap_tmp/broken"; violations data/schema/plan.schema.json "$tap_tmp/broken" | wc -l | tr -d ' '; }
is "a missing field is found" "$(broken 'del(.plans[0].bytes.kv)')" 1
is "an unknown field is found" "$(broken '.plans[0].surprise = 1')" 1
is "a wrong type is found" "$(broken '.plans[0].bytes.kv = "many"')" 1
is "a fraction of a byte is found" "$(broken '.plans[0].bytes.kv = 1.5')" 1
is "a negative size is found" "$(broken '.plans[0].bytes.kv = -1')" 1
is "an unknown word is found" "$(broken '.plans[0].runtime = "abacus"')" 1
done_testing
