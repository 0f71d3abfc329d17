#!/bin/sh
# The command line from outside: exit statuses, one line per failure, nothing partial.
. tests/tap.sh
box=tests/records/cpu-32g.json

run --version
is "--version says the version" "$status $(cat "$tap_tmp/out")" "0 plimsoll $(sed -n 's/^#define PLS_VERSION "\(.*\)"/\1/p' include/plimsoll/base.h)"
run --help
is "--help succeeds" "$status" 0
ok "--help names every command" sh -c "for c in fit plan probe inspect catalog bench; do grep -q \"^  \$c\" '$tap_tmp/out' || exit 1; done"
run plan --help
ok "plan --help shows its options" grep -q -- '--context' "$tap_tmp/out"
for c in "help" "-h" "--help"; do
    # shellcheck disable=SC2086
    "$PLIMSOLL" $c >"$tap_tmp/err" 2>&1; ok "$c is the general help" grep -q '^Commands:' "$tap_tmp/err"
done
for c in "help plan" "plan -h" "plan help -h" "--help plan"; do
    # shellcheck disable=SC2086
    "$PLIMSOLL" $c >"$tap_tmp/err" 2>&1; ok "$c is that of plan" cmp -s "$tap_tmp/out" "$tap_tmp/err"
done
"$PLIMSOLL" --version >"$tap_tmp/version"
for c in -V version; do
    "$PLIMSOLL" $c >"$tap_tmp/err" 2>&1; ok "$c is the version" cmp -s "$tap_tmp/version" "$tap_tmp/err"
done
is "plan --help leaves out those of others" "$(grep -c -- '--full' "$tap_tmp/out")" 0

# ---- usage: status 2
refuses "unknown option, nearest offered" 2 'contxt: unknown option .*--context' fit --contxt 4k
refuses "unknown command, nearest offered" 2 'paln: unknown command .*plan' paln
refuses "letters swapped" 2 'did you mean fit' fti
refuses "help is offered too" 2 'did you mean help' hlep
refuses "a machine is no command" 2 'did you mean --on "M4 Max 64 GB"' M4 Max 64 GB
refuses "nor what to look for" 2 'did you mean --on "M4 Max 64 GB"' fit "M4 Max 64 GB" --on $box
refuses "words of nothing stay so" 2 'unknown command' gobbledygook 64 GB
run fit -n1 -c8k --on $box --json
is "values stand behind letters" "$status $(jq -c '[(.configs | length), .configs[0].context_tokens]' "$tap_tmp/out")" "0 [1,8192]"
refuses "help of no command" 2 'plan' help paln
refuses "a model where a command belongs" 2 'fit WORD.* searches, plan MODEL' qwen3-8b
refuses "missing argument" 2 'context: needs an argument' fit --context
refuses "malformed number" 2 "not a number of tokens" plan qwen3-8b --on $box -c many
refuses "malformed size" 2 "not a size" fit --on $box --ram lots
# ---- 0, and less than that: a meaning, or one line
for o in "-np 0" "-b 0" "--ram 0" "--ram 0G" "--bandwidth 0" "--bandwidth 0.0" "-p 0"; do
    # shellcheck disable=SC2086
    refuses "$o is nothing" 2 'must be more than 0' plan qwen3-8b --on $box $o
done
for o in "-np -2" "-ub -1" "-b -5" "-c -1" "--ram -1" "--vram -1" "-d -1" "--min-speed -1" "-ncmoe -1" "-ngl -7" "-t -3" \
    "-np 1000000" "-c 99999999999999999999" "-np 1e3" "--min-speed nan" "--bandwidth inf" "--engine-as-of 5" "--engine-as-of 20261399"; do
    # shellcheck disable=SC2086
    refuses "$o is refused" 2 '.' plan qwen3-8b --on $box $o
done
ctx() { run plan qwen3-8b --on $box --json "$@"; jq -c '.plans[0] | [.context_tokens, .parallel, .batch_tokens, .ubatch_tokens]' "$tap_tmp/out"; }
is "-c 0 is the training context" "$(ctx -c 0)" "$(ctx)"
is "a command line of the engine carries over" "$(run plan -hf Qwen/Qwen3-8B-GGUF:Q8_0 --ctx-size 8192 --batch-size 1024 --ubatch-size=256 --n-gpu-layers 0 --on $box --json; jq -c '.plans[0] | [.quant, .context_tokens, .batch_tokens, .ubatch_tokens, .gpu_layers]' "$tap_tmp/out")" '["Q8_0",8192,1024,256,0]'
refuses "so does a file that is not there" 3 'no such file' plan -m ./nowhere.gguf --on $box
refuses "but a model needs to be named" 2 'plimsoll: -m: needs an argument' plan -m
is "-ub 0 is as large as the batch" "$(ctx -c 8k -ub 0)" "$(ctx -c 8k -ub 2048)"
is "so it is with a batch of one's own" "$(ctx -c 8k -ub 0 -b 1024)" "$(ctx -c 8k -ub 1024 -b 1024)"
is "-np -1 and -t -1 are the engine's own" "$(ctx -c 8k -np -1 -t -1)" "$(ctx -c 8k)"
run plan qwen3-8b --on "rtx 4090" --vram 0 -c 8k --json
is "--vram 0: as if there were no GPU" "$status $(jq -c '[(.machine.gpus | length), (.plans[0].placement | length), .plans[0].gpu_layers]' "$tap_tmp/out")" "0 [0,1,0]"

# ---- --min-speed: yes only when it is fast enough
run plan qwen3-8b --on $box -c 8k --min-speed 1
is "fast enough is 0" "$status $(grep -c 'too slow' "$tap_tmp/out")" "0 0"
run plan qwen3-8b --on $box -c 8k --min-speed 500
is "too slow is 1, and says so" "$status $(grep -c '^Verdict *fits.*too slow: .* tok/s are predicted, --min-speed asks for 500' "$tap_tmp/out")" "1 1"
run plan qwen3-8b --on $box -c 8k --min-speed 500 --json
is "in JSON as a note; the bytes fit all the same" "$status $(jq -c '[.plans[0].fits, ([.plans[0].notes[].code] | index("too-slow") != null)]' "$tap_tmp/out")" "1 [true,true]"
run plan qwen3-8b --on $box --vram 24G -c 8k --min-speed 5
is "a speed that is not known is not enough" "$status $(grep -c 'is not known' "$tap_tmp/out")" "1 1"
run compare qwen3-32b:Q4_K_M --on $box --on "rtx 5090" -c 8k --min-speed 20
is "compare: one that is fast enough will do" "$status" 0
run compare qwen3-32b:Q4_K_M --on $box --on "m4 max 64gb" -c 8k --min-speed 500
is "compare: none is fast enough" "$status" 1

refuses "a choice that is none" 2 'not one of on\|off\|auto' fit -fa maybe
refuses "a cache type that is none" 2 'not a cache type' plan qwen3-8b --on $box -ctk q9_9
refuses "a quantization that is none" 2 'not a quantization' plan qwen3-8b --on $box -q Q99
refuses "an option of another command" 2 'not an option of probe' probe -q Q4_K_M
refuses "a machine that is none" 2 'frobnitz' plan qwen3-8b --on "frobnitz 9000"
refuses "ambiguous words list the candidates" 2 'apple-m5-max-32c.*apple-m5-max-40c' fit --on "m5 max"
refuses "a profile that is none" 2 "no profile 'rtx-490'.*rtx-4" hardware show rtx-490
refuses "hardware match without a device" 2 'needs --name or --pci' hardware match
refuses "a PCI id that is none" 2 'not VENDOR:DEVICE' hardware match --pci zebra
refuses "plan without a model" 2 'needs 1 to' plan
refuses "catalog with an unknown verb" 2 'catalog frobnicate' catalog frobnicate
refuses "unknown model" 2 'no-such-model-9000b' plan no-such-model-9000b --on $box
refuses "ambiguous model lists candidates" 2 'qwen3-8b' plan qwen3 --on $box

# ---- a quantization inside a name is the one that is planned
refuses "a tag that looks like a quantization and is none" 2 'q9_x: not a quantization' plan qwen3-8b:Q9_X --on $box
mac="m4 max 64gb" pc="rtx 4090"
asked() { run plan "$@" -c 4k --on "${on:-$mac}" --json; jq -r '.plans[0] | .model.id + " " + .quant + " " + .runtime' "$tap_tmp/out"; }
is "an Ollama tag says it" "$(asked qwen3:8b-q8_0)" "qwen3-8b Q8_0 llama-server"
is "so does an MLX repository, and its engine is meant" "$(asked mlx-community/Qwen3-8B-8bit)" "qwen3-8b mlx-8bit-g64 mlx"
is "with group size" "$(asked mlx-community/GLM-4.7-Flash-8bit-gs32)" "glm-4.7-flash mlx-8bit-g32 mlx"
is "of a mixed recipe" "$(asked mlx-community/Qwen3-8B-mixed_3_6)" "qwen3-8b mlx-mixed_3_6 mlx"
is "of a microscaled type" "$(asked mlx-community/Qwen3.5-9B-nvfp4) $(asked mlx-community/Qwen3.5-9B-MLX-mxfp8)" "qwen3.5-9b mlx-nvfp4 mlx qwen3.5-9b mlx-mxfp8 mlx"
is "of experts as released and the rest in 8 bits" "$(asked mlx-community/gpt-oss-20b-MXFP4-Q8)" "gpt-oss-20b mlx-mxfp4-q8 mlx"
is "text towers and their packers are no other model" "$(asked mlx-community/gemma-3n-E4B-it-lm-bf16 | cut -d' ' -f1) $(on=$pc asked unsloth/Qwen3-8B-unsloth-bnb-4bit)" "gemma-3n-e4b-it qwen3-8b bnb-nf4 vllm"
refuses "two quantizations at once" 2 'two quantizations' plan qwen3-8b:Q4_K_M:Q8_0 --on $box
refuses "a packaging that is not known is not taken for another" 2 'quantized.w8a8: not a quantization' plan RedHatAI/Qwen3-8B-quantized.w8a8 --on $box
is "-q is stronger" "$(asked mlx-community/Qwen3-8B-8bit -q Q6_K)" "qwen3-8b Q6_K llama-server"
is "a checkpoint whose own name ends so is no wish" "$(asked nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16)" "nemotron-3-nano-30b-a3b Q4_K_M llama-server"
refuses "an engine that was named and can't load it" 2 'llama-server does not load mlx' plan mlx-community/Qwen3-8B-8bit --runtime llama.cpp --on $box

# ---- the command that runs it
emitted() { run plan "$@" -c 4k --on "${on:-$mac}"; cat "$tap_tmp/out"; }
is "a command per model" "$(emitted qwen3-4b:Q8_0 qwen3-8b:Q4_K_M --emit llama.cpp | awk '{ print $1, $3 }' | tr '\n' ';')" \
    "llama-server Qwen/Qwen3-4B-GGUF:Q8_0;llama-server Qwen/Qwen3-8B-GGUF:Q4_K_M;"
is "each on a port of its own" "$(emitted qwen3-4b:Q8_0 qwen3-8b:Q4_K_M qwen3-0.6b --emit llama.cpp | grep -o -- '--port [0-9]*' | tr '\n' ' ')" "--port 8081 --port 8082 "
is "and under a name of its own" "$(emitted qwen3-4b:Q8_0 qwen3-8b:Q4_K_M --emit ollama | grep -o 'ollama run .*' | tr '\n' ' ')" "ollama run plimsoll ollama run plimsoll-2 "
is "an embedder answers for embeddings" "$(emitted qwen3-embedding-0.6b --emit llama.cpp | grep -c -- ' --embeddings')" 1
is "a reranker ranks" "$(emitted qwen3-reranker-0.6b:Q8_0 --emit llama.cpp | grep -c -- ' --reranking')" 1
is "nobody chats with an embedder" "$(emitted bge-m3 --emit ollama | grep -c 'ollama run')" 0
is "a draft model stands in the command of its model" "$(emitted qwen3-32b --draft qwen3-0.6b --emit llama.cpp | grep -c '^llama-server -hf .* -hfd [^ ]*:')" 1
printf '{"id":"nowhere-1b","name":"Nowhere 1B","arch":"llama","shape":{"n_layers":16,"vocab_size":32000,"hidden_size":2048,"intermediate_size":8192,"n_heads":32,"n_kv_heads":8,"max_context":8192,"tie_embeddings":true}}' >"$tap_tmp/nowhere.json"
run inspect "$tap_tmp/nowhere.json" --json
# 16 x (2048 x (2048 + 512 + 512 + 2048) + 3 x 2048 x 8192 + 2 x 2048) + 32000 x 2048 + 2048
is "inspect counts by the shape where there are no tensors" "$status $(jq -c '.files[0] | [.kind, .params, .quant]' "$tap_tmp/out")" "0 [\"card\",$((16 * (2048 * 5120 + 3 * 2048 * 8192 + 2 * 2048) + 32000 * 2048 + 2048)),null]"
run plan "$tap_tmp/nowhere.json" --on $box -c 4k --emit llama.cpp
is "a file that is nowhere is named, and said to be wanted" "$status $(cat "$tap_tmp/out" | cut -d' ' -f1-3) $(grep -c 'Nowhere-1B-Q4_K_M.gguf has to be found or made' "$tap_tmp/err")" "0 llama-server -m Nowhere-1B-Q4_K_M.gguf 1"
emitted starcoder2-7b --emit llama.cpp >/dev/null
is "a repository that was not verified is named as such" "$(grep -c 'second-state/StarCoder2-7B-GGUF may hold it, unverified' "$tap_tmp/err")" 1
run plan "$tap_tmp/nowhere.json" --on $box -c 4k --json
is "in JSON as a note" "$(jq -r '.plans[0].notes[] | select(.code == "no-repository").text' "$tap_tmp/out" | grep -c gguf)" 1
emitted qwen3-8b --kv-type q8_0 --emit ollama >/dev/null
is "Ollama's cache type is said to be its server's" "$(grep -c 'OLLAMA_KV_CACHE_TYPE=q8_0' "$tap_tmp/err")" 1
refuses "a command has one form" 2 'prints a command' plan qwen3-8b --on $box --emit llama.cpp --json
run plan qwen3-8b --on $box -c 4k -d 100k --json
is "a depth beyond the context is noted" "$(jq -r '.plans[0].notes[] | select(.code == "depth").text' "$tap_tmp/out" | grep -c 'more than the context of 4096')" 1
is "a repository that was named is the one that is run" \
    "$(emitted bartowski/Qwen_Qwen3-8B-GGUF:Q5_K_M --emit llama.cpp | cut -d' ' -f1-3), $(emitted mlx-community/Qwen3-8B-4bit --emit mlx), $(on=$pc emitted Qwen/Qwen3-8B-AWQ --emit vllm | cut -d' ' -f1-3)" \
    "llama-server -hf bartowski/Qwen_Qwen3-8B-GGUF:Q5_K_M, mlx_lm.server --model mlx-community/Qwen3-8B-4bit, vllm serve Qwen/Qwen3-8B-AWQ"
is "unless another quantization is asked for" "$(emitted mlx-community/Qwen3-8B-4bit -q mlx-3bit-g64 --emit mlx | cut -d' ' -f1-7)" \
    "test -d Qwen3-8B-mlx-3bit-g64 || mlx_lm.convert --hf-path Qwen/Qwen3-8B"
is "MLX without quantization" "$(emitted qwen3-4b:mlx-bf16 --emit mlx)" "test -d Qwen3-4B-mlx-bf16 || mlx_lm.convert --hf-path Qwen/Qwen3-4B --dtype bfloat16 --mlx-path Qwen3-4B-mlx-bf16 && mlx_lm.server --model Qwen3-4B-mlx-bf16"
is "an MLX variant that is known is not made again" "$(emitted qwen3-8b --runtime mlx --emit mlx)" "mlx_lm.server --model mlx-community/Qwen3-8B-4bit"
is "nor by fit" "$("$PLIMSOLL" fit gemma-4-12b -q mlx-4bit --on "$mac" --json -n 1 | jq -r '.configs[0].commands.mlx')" \
    "mlx_lm.server --model mlx-community/gemma-4-12B-it-4bit"
# The command is that of the runtime asked for, in every form.
commands() { "$PLIMSOLL" "$@" --on "rtx 4090" --json | jq -r '(.plans // .configs)[0] | [(.commands | keys[]), (.notes[] | select(.code == "no-command") | .code)] | join(" ")'; }
is "commands are those of the runtime" "$(for r in llama-server ollama lmstudio jan vllm; do commands plan qwen3-8b -c 4k --runtime $r; done | tr '\n' ';')" \
    "llama.cpp ollama;ollama;lmstudio;jan;vllm;"
is "fit too" "$(for r in ollama lmstudio jan; do commands fit gpt-oss-20b -n 1 --runtime $r; done | tr '\n' ';')" "ollama;lmstudio;jan;"
is "why there is none" "$(commands plan qwen3-8b -c 4k --runtime lmstudio --kv-type q8_0)" "no-command"
run plan qwen3-8b -c 4k --runtime lmstudio --kv-type q8_0 --on "rtx 4090"
ok "in words as well" grep -q '^Run  *no command: lms load has no option for the type of the cache' "$tap_tmp/out"
on="rtx 4090" emitted qwen3-8b --emit lmstudio >/dev/null
is "LM Studio fetches, then loads" "$(cat "$tap_tmp/out")" "lms get --yes https://huggingface.co/Qwen/Qwen3-8B-GGUF@Q4_K_M && lms load qwen3-8b --context-length 4096 --parallel 4 --gpu max"
is "its defaults are those of the program" "$("$PLIMSOLL" plan qwen3-8b --emit jan --on "rtx 4090" 2>/dev/null | grep -o -- '--ctx-size [0-9]*')" "--ctx-size 8192"
refuses "a packaging that lies nowhere known" 2 'no command for vllm .*no repository of it as awq' plan phi-4-mini-instruct:awq --emit vllm --on "rtx 4090" -c 4k
is "one that is known is named, whatever its group of scales" \
    "$(for w in qwen3-32b:awq qwen3-8b:fp8 qwen3-8b:fp8-block qwen3.8-27b:awq-4bit-g32 deepseek-v3 llama-3.3-70b-instruct:gptq-4bit; do
        on="8x h200, 512gb ram" emitted "$w" --runtime vllm --emit vllm | cut -d' ' -f3; done | tr '\n' ' ')" \
    "Qwen/Qwen3-32B-AWQ Qwen/Qwen3-8B-FP8 Qwen/Qwen3-8B-FP8 cyankiwi/Qwen3.8-27B-AWQ-INT4 deepseek-ai/DeepSeek-V3 RedHatAI/Llama-3.3-70B-Instruct-quantized.w4a16 "
refuses "a release in FP8 is nothing to load in 16 bits" 2 'no command for vllm .*released in FP8' plan deepseek-v3 -q safetensors-bf16 --emit vllm --on "8x h200, 4tb ram" -c 4k
on="2x rtx 4090" emitted Qwen/Qwen3-32B-AWQ --emit vllm >/dev/null
is "a pipeline over two GPUs" "$(cat "$tap_tmp/out")" "vllm serve Qwen/Qwen3-32B-AWQ --max-model-len 4096 --pipeline-parallel-size 2"
on="rtx 3090" emitted llama-3.1-8b --backend cpu --emit llama.cpp >/dev/null
ok "GPUs that were not planned with are left alone" grep -q -- ' --device none' "$tap_tmp/out"
is "an MLX recipe" "$(emitted qwen3-4b:mlx-mixed_3_6 --emit mlx | grep -o -- '-q --[^&]*')" "-q --quant-predicate mixed_3_6 --mlx-path Qwen3-4B-mlx-mixed_3_6 "
refuses "no command: both ways out are named, and nothing is half written" 2 "names another quant, --runtime another engine" \
    plan qwen3-4b:mlx-4bit qwen3-4b:Q8_0 --on "m4 max 64gb" -c 4k --emit mlx

# ---- refused by the engine: status 2
refuses "quantized V cache without flash attention" 2 '.' plan qwen3-8b --on $box -ctv q8_0 -fa off

refuses "vLLM on Metal, and what would do" 2 'vllm does not drive GPUs through metal \(--runtime' plan qwen3-8b --runtime vllm --on "m4 max 64gb" -c 8k
refuses "fit does not search for what no model can have" 2 'no GPU that mlx can drive' fit --runtime mlx --on "rtx 4090"
run plan qwen3-8b --runtime vllm --backend cpu --on "m4 max 64gb" -c 8k --json
is "its processors may" "$status $(jq -r '.plans[0].placement | length' "$tap_tmp/out")" "0 1"

# ---- files: status 3
: >"$tap_tmp/empty.gguf"
printf 'GGUF\003\000\000\000\001\000' >"$tap_tmp/short.gguf"
printf 'GGUF\003\000\000\000\000\000\000\000\000\000\000\020\000\000\000\000\000\000\000\000' >"$tap_tmp/huge.gguf" # 2^60 tensors
printf '{"model_type":"llama","num_hidden_layers":-4,"hidden_size":64}' >"$tap_tmp/config.json"
printf 'neither fish nor fowl' >"$tap_tmp/noise.bin"
printf '{"pools":[{"id":"ram","kind":"ram","capacity_bytes":-1}]}' >"$tap_tmp/bad-record.json"
mkdir "$tap_tmp/folder"
for f in empty.gguf short.gguf huge.gguf config.json noise.bin folder; do
    refuses "plan $f" 3 "$f" plan "$tap_tmp/$f" --on $box
    refuses "inspect $f" 3 "$f" inspect "$tap_tmp/$f"
done
# What lies beside models says what it is, and what to name instead.
mkdir -p "$tap_tmp/many" "$tap_tmp/torch"
printf 'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 4431400262\n' >"$tap_tmp/pointer.gguf"
printf '<!DOCTYPE html><html>404</html>' >"$tap_tmp/page.gguf"
printf 'PK\003\004rest' >"$tap_tmp/torch/pytorch_model.bin"
printf '{"metadata":{},"weight_map":{"a":"b"}}' >"$tap_tmp/model.safetensors.index.json"
printf '{"schemaVersion":2,"layers":[{"mediaType":"application/vnd.ollama.image.model","digest":"sha256:00ab"}]}' >"$tap_tmp/latest"
: >"$tap_tmp/many/A-Q4_K_M-00001-of-00002.gguf"; : >"$tap_tmp/many/A-Q4_K_M-00002-of-00002.gguf"; : >"$tap_tmp/many/B-Q8_0.gguf"
refuses "an empty file" 3 'empty.gguf: empty$' inspect "$tap_tmp/empty.gguf"
refuses "a pointer of Git LFS" 3 'git lfs pull' inspect "$tap_tmp/pointer.gguf"
refuses "a page that was saved" 3 'web page' plan "$tap_tmp/page.gguf" --on $box
refuses "a folder of GGUF files" 3 'many: a folder with 2 GGUF models: name the file, such as A-' plan "$tap_tmp/many" --on $box
refuses "a folder of PyTorch files" 3 'converted first' inspect "$tap_tmp/torch"
refuses "a PyTorch file" 3 'converted first' inspect "$tap_tmp/torch/pytorch_model.bin"
refuses "an empty folder" 3 'without config.json, safetensors or GGUF' inspect "$tap_tmp/folder"
refuses "the index of a checkpoint" 3 'name its folder' inspect "$tap_tmp/model.safetensors.index.json"
refuses "a manifest of Ollama" 3 'blobs/sha256-00ab$' inspect "$tap_tmp/latest"
refuses "a machine record" 3 'no card \(--on' inspect $box
refuses "JSON of something else" 3 'JSON, but neither' inspect data/schema/plan.schema.json
refuses "a path that does not exist" 3 'no such file' plan "$tap_tmp/none.gguf" --on $box
refuses "inspect a path that does not exist" 3 'none.gguf' inspect "$tap_tmp/none.gguf"
refuses "a record with a wrong field" 3 'pools\[0\]\.capacity_bytes' plan qwen3-8b --on "$tap_tmp/bad-record.json"
refuses "an empty record" 3 'empty' plan qwen3-8b --on "$tap_tmp/empty.gguf"
refuses "a record that is a folder" 3 'not a regular file' plan qwen3-8b --on "$tap_tmp/folder"
refuses "a sysroot that does not exist" 3 'nowhere' probe --sysroot "$tap_tmp/nowhere"

# ---- the catalog
PLIMSOLL_CATALOG="$tap_tmp/none.db" refuses "missing catalog" 3 'none.db' fit --on $box
PLIMSOLL_CATALOG="$tap_tmp/noise.bin" refuses "damaged catalog" 3 'noise.bin' catalog list
: >"$tap_tmp/empty.db"
PLIMSOLL_CATALOG="$tap_tmp/empty.db" refuses "empty catalog" 3 'empty.db' catalog list

head -c 100 /dev/zero >"$tap_tmp/short.db"
PLIMSOLL_CATALOG="$tap_tmp/short.db" run probe
is "damaged catalog: the machine is shown, one line names the file and what helps" \
    "$status $(wc -l <"$tap_tmp/err" | tr -d ' ') $(grep -c 'short.db.*install plimsoll again' "$tap_tmp/err") $(grep -c XDG "$tap_tmp/err")" "0 1 1 0"
PLIMSOLL_CATALOG="$tap_tmp/short.db" refuses "damaged catalog: said once where it is needed" 3 'short.db.*install plimsoll again' fit
if command -v sqlite3 >/dev/null; then
    cp "$BUILD/catalog.db" "$tap_tmp/search.db"; chmod u+w "$tap_tmp/search.db"
    page=$(sqlite3 "$tap_tmp/search.db" "PRAGMA page_size")
    at=$(sqlite3 "$tap_tmp/search.db" "SELECT (rootpage - 1) * $page FROM sqlite_schema WHERE name = 'search_config'")
    head -c "$page" /dev/zero | dd of="$tap_tmp/search.db" bs=1 seek="$at" conv=notrunc 2>/dev/null
    PLIMSOLL_CATALOG="$tap_tmp/search.db" refuses "a damaged index is a damaged catalog" 3 'search.db: damaged.*install plimsoll again' catalog search qwen
fi

# ---- homes: said once, and on it goes. A file where a folder should be stops root as well.
: >"$tap_tmp/not-a-folder"
(
    HOME="$tap_tmp/not-a-folder" XDG_DATA_HOME="$tap_tmp/not-a-folder/data"; export HOME XDG_DATA_HOME
    "$PLIMSOLL" plan qwen3-0.6b -c 4k >"$tap_tmp/home.out" 2>"$tap_tmp/home.err"; echo $? >"$tap_tmp/home.status"
)
is "unwritable home: the answer comes" "$(cat "$tap_tmp/home.status")" 0
is "unwritable home: said once, with what helps" "$(wc -l <"$tap_tmp/home.err" | tr -d ' ') $(grep -c 'not-a-folder.*XDG_DATA_HOME.*--no-bench' "$tap_tmp/home.err")" "1 1"
ok "unwritable home: stdout is whole" grep -q Verdict "$tap_tmp/home.out"
(
    unset HOME XDG_DATA_HOME XDG_CONFIG_HOME XDG_CACHE_HOME
    "$PLIMSOLL" plan qwen3-0.6b -c 4k --on $box >"$tap_tmp/home.out" 2>"$tap_tmp/home.err"; echo $? >"$tap_tmp/home.status"
)
is "no home at all, on a record: not a word" "$(cat "$tap_tmp/home.status" "$tap_tmp/home.err")" 0
(
    unset HOME XDG_DATA_HOME
    "$PLIMSOLL" probe --json >"$tap_tmp/home.out" 2>"$tap_tmp/home.err"; echo $? >"$tap_tmp/home.status"
    "$PLIMSOLL" probe --no-bench --json >"$tap_tmp/home.quiet" 2>&1
)
is "no home at all, here: bandwidth is measured, and one line says why no more" \
    "$(cat "$tap_tmp/home.status") $(grep -c 'neither XDG_DATA_HOME nor HOME.*bandwidth alone' "$tap_tmp/home.err") $(jq '.pools[0].bandwidth_gbs > 0' "$tap_tmp/home.out")" "0 1 true"
ok "--no-bench: not a word" jq -e .pools "$tap_tmp/home.quiet"
is "bandwidth alone is what is measured without a home" "$(env -u HOME -u XDG_DATA_HOME "$PLIMSOLL" plan qwen3-0.6b -c 4k --json 2>/dev/null | jq -r '.plans[0].speed.decode_tps > 0')" true

# A home that is not there is not made; folders below one that is are one's own.
(
    HOME="$tap_tmp/no-such-home"; export HOME; unset XDG_DATA_HOME
    "$PLIMSOLL" probe --json >/dev/null 2>"$tap_tmp/home.err"
)
is "no home is made where there is none" "$(ls "$tap_tmp/no-such-home" 2>/dev/null) $(grep -c 'no folder for data' "$tap_tmp/home.err")" " 1"
(
    HOME="$tap_tmp/bare-home"; export HOME; unset XDG_DATA_HOME; mkdir "$HOME"; umask 022
    "$PLIMSOLL" probe --json >/dev/null 2>"$tap_tmp/home.err"
)
is "folders below a home are closed to others" "$(cd "$tap_tmp/bare-home" && find . -mindepth 1 -type d ! -perm 700; ls .local/share/plimsoll | head -1)" user.db

# ---- a benchmark does not fill a container
XDG_DATA_HOME="$tap_tmp/full" run plan qwen3-0.6b --ram 100m
is "no room to measure in: said, and nothing is kept" "$(grep -c 'no room to measure in' "$tap_tmp/err") $(ls "$tap_tmp/full" 2>/dev/null)" "1 "

# ---- a quota of processor time
run plan qwen3-4b --sysroot tests/machines/cgroup2-nested-4c-32g --bandwidth 40 --json
is "2.5 CPUs' worth of time are two threads" "$(jq -r '.plans[0].notes[] | select(.code == "cpu-quota") | .text' "$tap_tmp/out" | grep -c '(-t 2)')" 1
run plan qwen3-4b --sysroot tests/machines/cgroup2-nested-4c-32g --bandwidth 40 -t 1 --json
is "not a word where fewer are asked for" "$(jq -r '.plans[0].notes[] | select(.code == "cpu-quota") | .text' "$tap_tmp/out")" ""

# ---- calibrate: many models in turn, and runs that are not believed. Rates are stated, so that nothing hangs on this machine.
bench_runs() { jq -nc --argjson n "$1" 'range($n) | {model_filename: (if . % 2 == 0 then "qwen3-8b-Q4_K_M.gguf" else "llama-3.1-8b-instruct-Q4_K_M.gguf" end), backends: "CPU", n_gpu_layers: 0, n_prompt: 0, n_gen: 32, avg_ts: 5}'; }
bench_runs 2000 >"$tap_tmp/runs.jsonl"
run calibrate "$tap_tmp/runs.jsonl" --json
is "two models in turn two thousand times, all known" "$status $(jq -c '[.unknown_models, (.tests | length)]' "$tap_tmp/out")" "0 [0,2000]"
(bench_runs 6; bench_runs 2 | jq -c '.avg_ts = 3'; bench_runs 1 | jq -c '.avg_ts = 0.001') >"$tap_tmp/runs.jsonl"
run calibrate "$tap_tmp/runs.jsonl" --json
is "disturbed and impossible runs are set aside, and shown" "$status $(jq -c '[.set_aside, (.tests[6:] | map(.set_aside))]' "$tap_tmp/out")" '0 [3,["slow","slow","implausible"]]'
bench_runs 2 | jq -c '.avg_ts = 900000' >"$tap_tmp/runs.jsonl"
refuses "runs that cannot be of this machine" 3 'slower or faster than the kernels' calibrate "$tap_tmp/runs.jsonl"

# ---- a card of --vram has a speed when its bandwidth is said; shapes that nobody published are said to be inferred
run plan qwen3-32b:Q4_K_M -c 16k --vram 24G --bandwidth 1008 --no-bench --json
is "--vram and --bandwidth make a card" "$(jq '.plans[0].speed.decode_tps | . > 20 and . < 60' "$tap_tmp/out")" true
run plan qwen3.8-27b -c 8k --on "rtx 4090" --json
is "an inferred shape is no secret" "$(jq '[.plans[0].notes[] | select(.code == "inferred")] | length' "$tap_tmp/out")" 1
run plan qwen3-8b -c 8k --on "rtx 4090" --json
is "a shape that was read needs no note" "$(jq '[.plans[0].notes[] | select(.code == "inferred")] | length' "$tap_tmp/out")" 0
run probe --on "16gb laptop" --json
is "a laptop keeps a desktop's share of its memory" "$(jq '.pools[0].reserved_bytes' "$tap_tmp/out")" 2147483648

# ---- --bandwidth is that of all that are as fast as the fastest
run probe --on "m4 max 64gb" --bandwidth 300 --json
is "--bandwidth of memory that is shared" "$(jq -c '[.pools[].bandwidth_gbs]' "$tap_tmp/out")" "[300,300]"
run probe --on "2x rtx 4090" --bandwidth 2000 --json
is "--bandwidth of two equal GPUs" "$(jq -c '[.pools[1:][].bandwidth_gbs]' "$tap_tmp/out")" "[2000,2000]"

# ---- a floor of speed holds models that only read by how fast they read, whoever asks
run need bge-m3 --min-speed 500 -n 0 --json
is "need: an embedder is as fast as it reads" "$(jq '[.. | .id? // empty | select(tostring | test("1050"))] | length > 0' "$tap_tmp/out")" true
run compare bge-m3 --on "gtx 1050" --on "rtx 4090" --min-speed 500
is "compare: so too" "$status $(awk '/^gtx 1050/ { for (i = 1; i <= NF; i++) if ($i ~ /^[0-9]+$/ && $i > 1000) print "fast" }' "$tap_tmp/out" | head -1)" "0 fast"
run plan bge-m3 --on "gtx 1050" --min-speed 500
is "plan: and says what that speed is" "$status $(grep -c 'tok/s of reading' "$tap_tmp/out")" "0 1"

# ---- a full disk
if [ -c /dev/full ]; then
    for c in "plan qwen3-8b --on $box" "plan qwen3-8b --json --on $box" "--help" "catalog list"; do
        # shellcheck disable=SC2086
        "$PLIMSOLL" $c >/dev/full 2>"$tap_tmp/err"; status=$?
        is "full disk: $c" "$status $(wc -l <"$tap_tmp/err" | tr -d ' ')" "3 1"
    done
fi

# ---- answers: yes is 0, no is 1, both whole
run plan qwen3-8b:Q4_K_M --on $box -c 8k
is "what fits is 0" "$status" 0
run plan llama-3.3-70b:Q4_K_M --on tests/records/laptop-24g.json -c 8k
is "a 70B at 4 bit does not fit a 24 GB laptop" "$status" 1
ok "and it says what is missing" grep -Eq 'does not fit: [0-9.]+ GiB too much' "$tap_tmp/out"
run plan llama-3.3-70b:Q4_K_M --on tests/records/laptop-24g.json -c 8k --json
is "in JSON as well" "$status $(jq -c '[.plans[0].fits, .together.fits, (.plans[0].margin_bytes < 0), (.plans[0].first_misfit != null)]' "$tap_tmp/out")" "1 [false,false,true,true]"
run fit --on $box --ram 64M
is "nothing fits: status 1 and an answer" "$status $(grep -c Nothing "$tap_tmp/out")" "1 1"
run catalog search no-such-words-anywhere
is "nothing found is 1" "$status" 1

# ---- names
run plan Qwen2.5-7B-Instruct-Q8_0.gguf --on $box -c 4k --json
is "a file name alone is understood" "$status $(jq -r '.plans[0] | [.model.source, .model.id, .quant] | join(" ")' "$tap_tmp/out")" "0 name qwen2.5-7b-instruct Q8_0"
run plan Qwen2.5-VL-7B-Instruct-Q4_K_M.gguf --on $box -c 4k --json
is "of a vision model too" "$status $(jq -r '.plans[0] | [.model.source, .model.id, .quant] | join(" ")' "$tap_tmp/out")" "0 name qwen2.5-vl-7b-instruct Q4_K_M"
run plan llama3.1:8b --on $box -c 4k --json
is "an Ollama tag" "$(jq -r '.plans[0].model.id' "$tap_tmp/out")" llama-3.1-8b-instruct
run plan meta-llama/Llama-3.1-8B-Instruct:Q8_0 --on $box -c 4k --json
is "a repository with a quant" "$(jq -r '.plans[0] | [.model.id, .quant] | join(" ")' "$tap_tmp/out")" "llama-3.1-8b-instruct Q8_0"

url=https://huggingface.co
run plan $url/unsloth/Qwen3-8B-GGUF/resolve/main/Qwen3-8B-Q5_K_M.gguf?download=true --on $box -c 4k --emit llama.cpp
is "the address of a file" "$status $(cut -d' ' -f1-3 "$tap_tmp/out")" "0 llama-server -hf unsloth/Qwen3-8B-GGUF:Q5_K_M"
run plan $url/Qwen/Qwen3-8B/tree/main --on $box -c 4k --json
is "the address of a page" "$(jq -r '.plans[0].model.id' "$tap_tmp/out")" qwen3-8b
run plan https://ollama.com/library/qwen3:8b --on $box -c 4k --json
is "the address of a page of Ollama's library" "$(jq -r '.plans[0].model.id' "$tap_tmp/out")" qwen3-8b
refuses "an address that names nothing" 2 '.' plan $url/ --on $box

# ---- machines in words
run fit --on "dgx spark" -n 2 && grep '^Machine' "$tap_tmp/out" >"$tap_tmp/machine"
ok "memory that a GPU shares is not counted twice in words" grep -q 'GB10.* with 120 GiB shared with the CPU' "$tap_tmp/machine"
run fit --sysroot tests/machines/nvidia-no-driver-32g -n 2
is "a GPU of unknown memory has none of 0 bytes" "$(grep -c 'with unknown memory' "$tap_tmp/out")" 1
COLUMNS=80 run fit --on "rtx 3060 12gb" "coder next" -n 1
is "80 columns hold the whole name of a model" "$status $(grep -c '80B-A3B  ' "$tap_tmp/out") $(awk 'NR > 4 && NR < 7 && length > 80' "$tap_tmp/out")" "0 1 "
run fit --on "m4 max 64gb" --task code --context 32k --json
is "words make a machine" "$status $(jq -r '[.machine.pools[].capacity_bytes / 1073741824] | join(" ")' "$tap_tmp/out")" "0 64 64"
run hardware match --name "NVIDIA GeForce RTX 4090" --memory 24 --json
is "a device is matched" "$status $(jq -c '[.schema, .ids]' "$tap_tmp/out")" '0 ["plimsoll.match/1",["rtx-4090"]]'
run hardware match --pci 1002:744c:c8 --json
is "a PCI id may hold the revision" "$status $(jq -c .ids "$tap_tmp/out")" '0 ["rx-7900-xtx"]'
run hardware match --name "NVIDIA GeForce RTX 3080" --memory 12GB --json
is "memory may have a unit" "$status $(jq -c .ids "$tap_tmp/out")" '0 ["rtx-3080-12gb"]'
refuses "memory is a size" 2 '12x.* is not a size' hardware match --name x --memory 12x
run hardware match --name "Matrox Mystique"
is "an unknown device is no" "$status" 1
run hardware 4090 --format csv
is "hardware lists by words" "$status $(grep -c '^rtx-4090' "$tap_tmp/out")" "0 $(grep -c '^rtx-4090' data/hardware.tsv)"

# ---- limits are seen where budgets are
for c in "fit --task code --context 32k" "plan qwen3-8b"; do
    # shellcheck disable=SC2086
    run $c --on "m4 max 64gb"
    ok "${c%% *} states the working set and its range" grep -q '^Budget .*51.8 GiB of gpu0 (Metal working set, hardware table; 48.0 GiB up to macOS 15)' "$tap_tmp/out"
done
run plan qwen3-8b --no-bench --sysroot tests/machines/cgroup2-nested-4c-32g
ok "plan states the control group" grep -q '^Budget .*(.*control group, /sys/fs/cgroup/system.slice/llm.service/memory.high)' "$tap_tmp/out"
run plan qwen3-8b --on "agx orin"
ok "plan states a choice between sizes" grep -q 'jetson-agx-orin-32gb of 32 GB was taken' "$tap_tmp/out"
run plan qwen3-235b-a22b:Q3_K_M -c 8k -np 1 --on "ryzen ai max 395 128gb"
ok "layers in RAM beside a GPU that may map more: the words of the kernel" grep -q 'ttm.pages_limit=' "$tap_tmp/out"
run plan qwen3-8b -c 8k --on "ryzen ai max 395 128gb"
is "not when all are on the GPU" "$(grep -c ttm.pages_limit "$tap_tmp/out")" 0

# ---- MLX is an engine, not a way to drive a GPU
run plan qwen3-30b-a3b -c 8k --on "m4 max 64gb" --backend mlx --json; jq -c '.plans[0] | [.quality, .speed, .runtime]' "$tap_tmp/out" >"$tap_tmp/by-backend"
run plan qwen3-30b-a3b -c 8k --on "m4 max 64gb" --runtime mlx --json; jq -c '.plans[0] | [.quality, .speed, .runtime]' "$tap_tmp/out" >"$tap_tmp/by-runtime"
ok "--backend mlx is --runtime mlx" cmp -s "$tap_tmp/by-backend" "$tap_tmp/by-runtime"
is "with its own quantization" "$(jq -r '.plans[0].format' "$tap_tmp/out")" mlx
refuses "and none of another's" 2 'mlx does not load gguf' plan qwen3-30b-a3b:Q4_K_M --on "m4 max 64gb" --backend mlx
refuses "nor another engine" 2 'runtime mlx is the other engine' fit --on "m4 max 64gb" --backend mlx --runtime ollama
run need qwen3-30b-a3b --backend mlx --top 2 --json
is "need as well" "$(jq -r '.hardware[].plan.format' "$tap_tmp/out" | sort -u)" mlx

# ---- several machines
refuses "compare without a machine" 2 'needs --on' compare qwen3-8b
refuses "need without a model" 2 'needs one model' need
run compare llama-3.3-70b:Q4_K_M --on tests/records/laptop-24g.json --on "m4 max 64gb" -c 8k --format csv
is "compare: no on one, yes on the other" "$status $(awk -F, 'NR > 1 { print $4 }' "$tap_tmp/out" | tr '\n' ' ')" "0 no yes "
run compare llama-3.3-70b:Q4_K_M --on tests/records/laptop-24g.json --on $box -c 8k
is "compare: no on all is 1" "$status" 1
COLUMNS=80 run need qwen3-32b:Q4_K_M -c 8k -np 1 --top 5
is "need: 80 columns hold the whole id" "$(awk 'length > 80' "$tap_tmp/out" | wc -l | tr -d ' ') $(grep -c ' rtx-2080-ti-22gb ' "$tap_tmp/out")" "0 1"
COLUMNS=80 run compare qwen3-8b --on $box --on "rtx 4090 + 64gb ram" -c 8k
is "compare: so they do the machine's name" "$(awk 'length > 80' "$tap_tmp/out" | wc -l | tr -d ' ') $(grep -c 'rtx 4090 + 64gb ram ' "$tap_tmp/out")" "0 1"
run need llama-3.3-70b:Q4_K_M -c 8k -np 1 --top 0 --json
is "need: every answer fits, on its own, smallest first" "$status $(jq -c '[all(.hardware[]; .plan.fits), (.hardware | map(.memory_bytes * .devices) | . == sort), ([.hardware[] | select(.id == "rtx-4090")][0].devices)]' "$tap_tmp/out")" "0 [true,true,2]"
run need qwen3-32b:Q4_K_M -c 8k -np 1 --top 0 --json
is "need: a machine that computes in its own RAM has no more than that" "$status $(jq -c '[.hardware[] | select(.id | test("^(apple|raspberry|rk|jetson)"))] | [length > 0, all(.[]; .plan.bytes.total <= .memory_bytes)]' "$tap_tmp/out")" "0 [true,true]"

refuses "need asks of every machine, not of one" 2 'not an option of need' need qwen3-8b --on "rtx 4090"
run need qwen3-8b -c 8k --top 3 --format jsonl
is "need: jsonl is one answer per line" "$status $(wc -l <"$tap_tmp/out") $(jq -r .devices "$tap_tmp/out" | wc -l)" "0 3 3"
run compare qwen3-8b --on $box --on "m4 max 64gb" -c 8k --format jsonl
is "compare: jsonl is one machine per line" "$status $(wc -l <"$tap_tmp/out")" "0 2"
run compare qwen3-8b --on "rtx 3060" --on "m4 max 64gb" --runtime mlx -c 8k
is "compare: a machine that the engine cannot use is a row" "$status $(grep -c 'rtx 3060 .*cannot run' "$tap_tmp/out") $(grep -c '^Cannot.*rtx 3060: no GPU that mlx' "$tap_tmp/out")" "0 1 1"
run compare qwen3-8b --on "rtx 3060" --on "m4 max 64gb" --backend cuda -c 8k --json
is "compare: so it is in JSON" "$status $(jq -c '[.machines[] | .cannot_run // (.plans | length)]' "$tap_tmp/out")" '0 [1,"m4 max 64gb: no GPU that cuda can drive"]'
refuses "compare: none can run it" 2 'no GPU that mlx can drive' compare qwen3-8b --on "rtx 3060" --on "rtx 4090" --runtime mlx
run compare --on "rtx 4090" --on "rtx 3060" --format csv
is "compare: what was searched for has a largest context" "$status $(awk -F, 'NR > 1 && $7 > 1024' "$tap_tmp/out" | wc -l | tr -d ' ')" "0 2"
# Rates of this machine, measured once, hold in both.
run bench
run plan qwen3-0.6b:Q8_0 -c 4k --no-bench --json; jq -c '.plans[0].speed' "$tap_tmp/out" >"$tap_tmp/planned"
run compare qwen3-0.6b:Q8_0 -c 4k --no-bench --json --on $box; jq -c '.machines[0].plans[0].speed' "$tap_tmp/out" >"$tap_tmp/compared"
ok "compare: this machine has the speed that plan says" cmp -s "$tap_tmp/planned" "$tap_tmp/compared"
is "and it was measured" "$(jq -r .origin "$tap_tmp/planned")" measured
for c in "need qwen3-8b" "compare qwen3-8b --on $box" "hardware 4090" "catalog list"; do
    refuses "no rows for eval: $c" 2 'env is for one answer' $c --format env
done

# ---- cards of one's own
printf '{"id":"tiny-1b-instruct","name":"Tiny 1B","arch":"llama","use_cases":["chat"],"n_layers":16,"vocab_size":32000,"hidden_size":2048,"intermediate_size":8192,"n_heads":32,"n_kv_heads":8,"max_context":8192,"tie_embeddings":true}' >"$tap_tmp/tiny.json"
run catalog add "$tap_tmp/tiny.json"
is "a card is added" "$status $(cat "$tap_tmp/out")" "0 tiny-1b-instruct"
run plan tiny-1b:Q8_0 --on $box -c 4k --json
# 16 x (4 x 2048 x 2048 with 8 of 32 KV heads: 2048 x (2048 + 512 + 512 + 2048) + 3 x 2048 x 8192 + 2 x 2048) + 32000 x 2048 + 2048
is "and planned, its parameters counted" "$status $(jq '.plans[0].model.params' "$tap_tmp/out")" "0 $((16 * (2048 * 5120 + 3 * 2048 * 8192 + 2 * 2048) + 32000 * 2048 + 2048))"
refuses "twice is once too often" 2 'tiny-1b-instruct' catalog add "$tap_tmp/tiny.json"
run catalog export
cp "$tap_tmp/out" "$tap_tmp/exported.json"
run catalog remove tiny-1b-instruct
is "a card is removed" "$status" 0
refuses "and then unknown" 2 'tiny-1b' plan tiny-1b --on $box
"$PLIMSOLL" catalog add - <"$tap_tmp/exported.json" >"$tap_tmp/out"; status=$?
is "what was exported can be added" "$status $(cat "$tap_tmp/out")" "0 tiny-1b-instruct"
refuses "a shipped card can't be removed" 2 'qwen3-8b' catalog remove qwen3-8b
refuses "a misspelt key is named" 3 'hiden_size' catalog add - <<'CARD'
{"id":"x","arch":"llama","hiden_size":2048}
CARD
refuses "parameters that are none" 2 'not a number of parameters' catalog search --max-params many
refuses "a month that is none" 2 'not a month' catalog search --since 2025-13
run catalog search embedding --license apache-2.0 --max-params 1b --json
is "filters are kept" "$status $(jq 'all(.cards[]; .params <= 1000000000 and .license == "apache-2.0") and (.cards | length) > 0' "$tap_tmp/out")" "0 true"
run catalog check gpt-oss
is "cards add up" "$status" 0

# ---- SQL
run sql "SELECT count(*) AS n FROM models" --format csv
is "sql reads the catalog" "$status $(tr '\n' ' ' <"$tap_tmp/out")" "0 n $("$PLIMSOLL" catalog list --format csv | awk 'NR > 1' | wc -l | tr -d ' ') "
run sql "SELECT model, quant, total_bytes FROM fits('$box') WHERE decode_tps > 10 ORDER BY score DESC LIMIT 2" --json
is "sql asks what fits" "$status $(jq -c '[.columns, (.rows | length)]' "$tap_tmp/out")" '0 [["model","quant","total_bytes"],2]'
is "and finds what fit puts first" "$(jq -r '.rows[0][0]' "$tap_tmp/out")" "$("$PLIMSOLL" fit --on $box --format csv | awk -F, 'NR == 2 { print $3 }')"
refuses "sql can't write" 2 'only reading is allowed|cannot modify' sql "DELETE FROM models"
refuses "nor attach" 2 'only reading is allowed' sql "ATTACH 'x.db' AS x"
refuses "nor load code" 2 '.' sql "SELECT load_extension('x')"
refuses "nonsense" 2 'syntax error' sql "SELEC 1"
refuses "no statement" 2 'needs one statement' sql
refuses "a wrong argument of fits" 2 'not a task' sql "SELECT * FROM fits('$box', 'gardening')"

# ---- forms
run plan qwen3-8b --on $box -c 8k --emit llama.cpp
ok "--emit is one command" grep -Eq '^llama-server .*-c 8192' "$tap_tmp/out"
is "and nothing else" "$(wc -l <"$tap_tmp/out" | tr -d ' ')" 1
run plan qwen3-8b --on $box -c 8k --format env
ok "env can be sourced" sh -c ". '$tap_tmp/out' && [ \"\$PLIMSOLL_FITS\" = 1 ] && [ \"\$PLIMSOLL_MODEL\" = qwen3-8b ] && [ \"\$PLIMSOLL_CONTEXT_TOKENS\" = 8192 ]"
run plan qwen3-8b --on tests/records/cuda-24g.json -c 8k --format env
is "env: budgets and use of RAM and VRAM apart" "$(. "$tap_tmp/out"; echo "$((PLIMSOLL_RAM_BUDGET_BYTES > 50000000000)) $((PLIMSOLL_VRAM_BUDGET_BYTES > 20000000000)) $((PLIMSOLL_RAM_USED_BYTES + PLIMSOLL_VRAM_USED_BYTES == PLIMSOLL_TOTAL_BYTES)) $PLIMSOLL_VRAM_IS_RAM")" "1 1 1 0"
run plan qwen3-8b:Q8_0 qwen3-4b --on "rtx 4090" -c 8k --format env
is "env: every model has its variables" "$(. "$tap_tmp/out"; echo "$PLIMSOLL_MODEL $PLIMSOLL_QUANT $PLIMSOLL_MODEL_2 ${PLIMSOLL_COMMAND_2##* }")" "qwen3-8b Q8_0 qwen3-4b 8081"
run fit --on $box --ram 64M --format env
is "env: what an earlier answer set is emptied when nothing fits" "$status $(PLIMSOLL_COMMAND=stale; . "$tap_tmp/out"; echo "$PLIMSOLL_FITS<$PLIMSOLL_COMMAND>")" "1 0<>"
run probe --on "2x rtx 3090" --format env
is "env: GPUs are summed" "$(. "$tap_tmp/out"; echo "$PLIMSOLL_GPUS $((PLIMSOLL_VRAM_BYTES >> 30)) $PLIMSOLL_VRAM_IS_RAM")" "2 48 0"
run probe --on "m4 max 64gb" --format env
is "env: memory that is shared is said to be" "$(. "$tap_tmp/out"; echo "$((PLIMSOLL_VRAM_BYTES == PLIMSOLL_RAM_BYTES)) $PLIMSOLL_VRAM_IS_RAM")" "1 1"
run probe --on $box --format env
is "env: every variable is set without a GPU too" "$(. "$tap_tmp/out"; set -u; echo "$PLIMSOLL_GPUS $PLIMSOLL_VRAM_BYTES $PLIMSOLL_VRAM_BUDGET_BYTES")" "0 0 0"
run plan qwen3-8b --on $box -c 32k -np 4 --format csv
is "a context divided among slots: the whole of it in CSV" "$(awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "context_tokens") c = i } NR == 2 { print $c }' "$tap_tmp/out")" 32768
run plan qwen3-8b --on $box -c 32k -np 4
ok "and in the table, with what each has" grep -q '^Context *32k tokens, 4 slots of 8k' "$tap_tmp/out"
run need llama-3.3-70b:Q4_K_M -c 8k -np 1 --top 5 --format csv
is "need: device and host make the total" "$(awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i } NR > 1 { n += $at["device_bytes"] + $at["host_bytes"] == $at["total_bytes"] } END { print n }' "$tap_tmp/out")" 5
run plan qwen3-8b qwen3-4b --on $box -c 8k --format jsonl
is "jsonl is one plan per line" "$(jq -r .model.id "$tap_tmp/out" | tr '\n' ' ')" "qwen3-8b qwen3-4b "
run plan qwen3-8b qwen3-4b --on $box -c 8k --format csv
is "csv has a header and raw bytes" "$(awk -F, 'NR == 1 { print $5 } NR == 2 { print ($5 > 1000000000) }' "$tap_tmp/out" | tr '\n' ' ')" "total_bytes 1 "
run plan qwen3-8b qwen3-4b --on $box -c 8k --json
is "together is the sum" "$(jq '.together.total_bytes == ([.plans[].bytes.total] | add)' "$tap_tmp/out")" true
is "classes add up to the total" "$(jq 'all(.plans[]; .bytes | .weights + .kv + .state + .compute + .output + .projector + .overhead == .total)' "$tap_tmp/out")" true
is "pools add up to the plan" "$(jq 'all(.plans[]; ([.placement[].total] | add) == .bytes.total)' "$tap_tmp/out")" true
is "tensor types add up to the tensor data" "$(jq 'all(.plans[]; ([.tensor_types[].bytes] | add) == .bytes.tensor_data)' "$tap_tmp/out")" true
jq .machine "$tap_tmp/out" >"$tap_tmp/machine.json"
"$PLIMSOLL" plan qwen3-8b qwen3-4b --on "$tap_tmp/machine.json" -c 8k --json >"$tap_tmp/again"
ok "the machine of an answer is a record that gives the same answer" cmp -s "$tap_tmp/out" "$tap_tmp/again"

# ---- the search that stops early finds what the exhaustive one finds
for r in cpu-32g cuda-24g laptop-24g; do
    for t in chat; do
        columns='NR <= 9 { print $2, $4, $5, $8 }'
        a=$("$PLIMSOLL" fit --on tests/records/$r.json --task $t --top 8 --format csv | awk -F, "$columns")
        b=$("$PLIMSOLL" fit --on tests/records/$r.json --task $t --top 0 --format csv | awk -F, "$columns")
        is "first rows of $t on $r" "$a" "$b"
    done
done

# ---- determinism, and a program that was moved
run fit --on $box --json
cp "$tap_tmp/out" "$tap_tmp/first"
run fit --on $box --json
ok "the same question has the same answer" cmp -s "$tap_tmp/first" "$tap_tmp/out"
mkdir -p "$tap_tmp/prefix/bin" "$tap_tmp/prefix/share/plimsoll" "$tap_tmp/elsewhere"
cp "$PLIMSOLL" "$tap_tmp/prefix/bin/" && cp "$BUILD/catalog.db" "$tap_tmp/prefix/share/plimsoll/"
ln -s "$tap_tmp/prefix/bin/plimsoll" "$tap_tmp/elsewhere/p"
ok "a moved installation finds its catalog, through a link too" "$tap_tmp/elsewhere/p" catalog show qwen3-8b
# ---- a file that was made with an importance matrix is not the one that was counted, where that changes types
run plan llama-3.1-8b-instruct:IQ3_XXS --on "m4 16gb" -c 8k --json
less=$(jq -r '.plans[0].notes[] | select(.code == "imatrix").text' "$tap_tmp/out" | grep -Eo '[0-9.]+ MiB less')
bytes=$(jq '.plans[0].bytes.tensor_data' "$tap_tmp/out")
run plan llama-3.1-8b-instruct:IQ3_XXS --imatrix --on "m4 16gb" -c 8k --json
is "the note says by how much" "$less" \
    "$(jq -r --argjson b "$bytes" '($b - .plans[0].bytes.tensor_data) / 1048576 * 10 | round / 10 | tostring + " MiB less"' "$tap_tmp/out")"
is "and is gone when it was asked for" "$(jq '[.plans[0].notes[] | select(.code == "imatrix")] | length' "$tap_tmp/out")" 0

run plan bge-m3 -c 8k --on "rtx 4090" --json
is "an encoder refuses what is longer than its micro-batch, which is said" \
    "$(jq -r '.plans[0].notes[] | select(.code == "input-limit").text' "$tap_tmp/out" | grep -Eo '[0-9]+ tokens|up to [0-9]+' | xargs)" "512 tokens up to 8192"
run plan bge-m3 -c 8k -b 8192 -ub 8192 --on "rtx 4090" --json
is "and takes it when told to" "$(jq '[.plans[0].notes[] | select(.code == "input-limit")] | length' "$tap_tmp/out")" 0
run plan llama-3.2-1b:Q8_0 -c 8k --on "rtx 4090 + 64gb ram" --vram 1060M --json
ok "what fits is no more than the most that fits" jq -e '.plans[0] | .fits and .context_fit_tokens >= .context_tokens' "$tap_tmp/out"
refuses "experts in RAM are beyond Ollama" 2 'cannot be told to keep experts in RAM' \
    plan qwen3-30b-a3b:Q4_K_M -c 64k -ncmoe 20 --on "rtx 4090 + 64gb ram" --emit ollama
for app in ollama lmstudio jan mlx; do
    refuses "a reranker is beyond $app" 2 'ranks?( |$)' fit --task rerank --emit $app --on "m4 max 64gb"
done
refuses "images are beyond mlx_lm.server" 2 'text alone' plan gemma-3-4b-it --task vision --emit mlx --on "m4 max 64gb" -c 4k
refuses "and beyond jan serve" 2 'projector' plan gemma-3-4b-it --mmproj --emit jan --on "rtx 4090" -c 4k
is "what vLLM cannot rank with gives way to what it can" \
    "$("$PLIMSOLL" fit --task rerank --emit vllm --on "rtx 4090 + 64gb ram" 2>/dev/null | grep -c '^vllm serve BAAI/bge-reranker')" 1
run plan llama-3.3-70b:Q8_0 --emit llama.cpp --on "rtx 4090" -c 8k -ngl all
is "a command for what does not fit says so on stderr alone" \
    "$status $(grep -c '^llama-server' "$tap_tmp/out") $(grep -Ec '^plimsoll: Llama 3.3 70B.* Q8_0 does not fit: [0-9.]+ GiB too much; the command is printed all the same$' "$tap_tmp/err") $(wc -l <"$tap_tmp/err")" "1 1 1 1"
is "vLLM batches as it does unless told of slots" \
    "$(for np in "" "-np 16"; do "$PLIMSOLL" plan qwen3-8b --emit vllm $np -c 1k --on "rtx 4090" | grep -o -- '--max-num-seqs.*'; done)" "--max-num-seqs 16"
run plan qwen3-8b --runtime vllm -np 16 -c 40k --on "rtx 4090" --json
is "advice is never what was asked" "$status $(jq -r '.plans[0].notes[] | select(.code == "context").text' "$tap_tmp/out")" \
    "1 a context of 2560 tokens per slot would fit"
is "16 bits of vLLM are the release, by one name" \
    "$(for w in qwen3-8b qwen3-8b:bf16 "qwen3-8b -q bf16" qwen3-8b:safetensors-bf16 qwen3-8b:f16; do
        "$PLIMSOLL" plan $w --runtime vllm --on "rtx 4090" -c 4k --json | jq -r '.plans[0] | .quant, .commands.vllm' | xargs; done | sort | uniq -c | awk '{ print $1, $2, $5 }' | xargs)" \
    "4 safetensors-bf16 Qwen/Qwen3-8B 1 safetensors-f16 Qwen/Qwen3-8B"
is "of fit as well" "$("$PLIMSOLL" fit qwen3-8b -q bf16 --runtime vllm --on "rtx 4090" -c 4k --json | jq -r '.configs[0] | .quant, .commands.vllm' | xargs)" \
    "safetensors-bf16 vllm serve Qwen/Qwen3-8B --max-model-len 4096"
is "a file of that name is one" "$("$PLIMSOLL" plan Qwen3-8B-BF16.gguf --runtime vllm --on "rtx 4090" -c 4k --json | jq -r '.plans[0].quant')" BF16
is "what was released in MXFP4 says so" "$("$PLIMSOLL" plan gpt-oss-20b --runtime vllm --on "rtx 4090" -c 4k --json | jq -r '.plans[0].quant')" safetensors-mxfp4

done_testing
