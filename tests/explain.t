#!/bin/sh
# What --explain prints is all that a speed is made of: terms add up to the sum, the sum is the speed, and a term is its numbers.
. tests/tap.sh
p=$PLIMSOLL

# Sums of the terms of decode and prompt against their "sum" lines, and 1000 / sum against the speed of the first table.
adds_up='
/^Decode \(/ { part = "decode" } /^Prompt \(/ { part = "prefill"; } /^Quality/ { part = "" }
$1 == "decode" || $1 == "prefill" { if (part == "") said[$1] = $2 }
part != "" && $0 ~ / ms  / {
    for (i = 1; i <= NF && $i != "ms"; i++) { value = $i; name = $(i - 1) }
    if (name == "sum") { total[part] = value } else { terms[part] += value; lines[part]++ }
}
END {
    for (part in total) {
        tokens = part == "decode" ? 1 : 512
        if (!near(terms[part], total[part], 0.002)) print part ": terms " terms[part] " sum " total[part]
        if (!near(1000 * tokens / total[part], said[part], 0.005)) print part ": sum says " 1000 * tokens / total[part] ", shown " said[part]
        if (lines[part] < 3) print part ": only " lines[part] " terms"
    }
    if (total["decode"] == "") print "no sum"
}
function near(a, b, c) { return a - b < c * b && b - a < c * b }'

while read -r label args; do
    out=$(eval "$p" plan "$args" --explain 2>/dev/null)
    empty "$label: terms add up to the speed shown" "$(printf '%s\n' "$out" | awk "$adds_up")"
    empty "$label: nothing is left over in decoding" "$(printf '%s\n' "$out" | sed -n '/^Decode (/,/^Prompt (/p' | grep ' rest ')"
done <<'END'
cuda llama-3.1-8b -q Q4_K_M -c 8k -d 4096 --on "rtx 4090"
metal qwen3.5-9b -q Q4_K_M -c 8k --on "m4 16gb"
mlx qwen3-8b -q mlx-4bit-g64 -c 8k --runtime mlx --on "m3 max 64gb"
experts-in-ram qwen3-30b-a3b -q Q4_K_M -c 8k --on "rtx 3060 12gb + 64gb ram"
several llama-3.3-70b -q Q4_K_M -c 8k --on "2x rtx 3090"
sliding gemma-3-27b -q Q4_0 -c 16k -d 8192 --backend vulkan --on "rx 7900 xtx"
END

# The launches line by its own numbers: layers x us x factor x (1 + moe x share).
line=$("$p" plan qwen3-30b-a3b -q Q4_K_M -c 8k --on "rtx 4090" --explain | grep ' launches ' | head -1)
is "launches are layers x us x factor x (1 + experts)" "$(printf '%s\n' "$line" | awk '{
    gsub(/[(),]/, ""); split($0, side, "ms"); ms = $3; $0 = side[2]; split($0, f, " x ")
    split(f[4], g, " "); split(f[5], h, "/"); want = f[1] * f[2] * f[3] * (1 + g[3] * h[1] / h[2]) / 1000
    print ms - want < 0.01 * want && want - ms < 0.01 * want ? "yes" : "no: " want " against " ms }')" yes
# Reading by its own numbers: bytes / (share x GB/s).
line=$("$p" plan llama-3.1-8b -q Q4_K_M -c 8k --on "rtx 4090" --explain | grep 'gpu0 *q4_K .*reading' | head -1)
is "reading is bytes / (share x bandwidth)" "$(printf '%s\n' "$line" | awk '{
    gsub(/[()]/, ""); for (i = 1; i <= NF; i++) { if ($i == "bytes") b = $(i - 1); if ($i == "/") s = $(i + 1)
    if ($i == "GB/s") g = $(i - 1); if ($i == "reading") r = $(i - 2); if ($i == "reading,") r = $(i - 2) }
    want = b / (s * g) / 1e6; print want - r < 0.01 * r && r - want < 0.01 * r ? "yes" : "no: " want " against " r }')" yes
# Shares and times of one hop are the model's own numbers: what is shown of the passes of a prompt gives them back.
line=$("$p" plan llama-3.1-8b -q Q8_0 -c 8k -p 512 --on "rtx 4090" --explain | grep ' passes ' | head -1)
weights=$("$p" plan llama-3.1-8b -q Q8_0 -c 8k --on "rtx 4090" --json | jq '.plans[0].placement[1].weights')
is "passes are weights / (share x bandwidth)" "$(printf '%s\n' "$line" | awk -v w="$weights" '{
    ms = $3; gsub(/[(),]/, ""); for (i = 1; i <= NF; i++) { if ($i == "/") s = $(i + 1); if ($i == "GB/s") g = $(i - 1) }
    want = w / (s * g) / 1e6; print want - ms < 0.01 * ms && ms - want < 0.01 * ms ? "yes" : "no: " want " against " ms }')" yes
line=$("$p" plan llama-3.3-70b -q Q4_K_M -c 8k --on "3x rtx 3090" --explain | grep ' hops ' | head -1)
is "two hops between three GPUs" "$(printf '%s\n' "$line" | awk '{ for (i = 1; i <= NF; i++) { if ($i == "ms") ms = $(i - 1); if ($i == "us") us = $(i - 1) }
    print 1000 * ms / us }')" 2
# Of a GPU whose arithmetic nobody knows no rate of it is shown.
jq '.gpus[0] += {name: "Foo", pci_id: null, fp32_tflops: null}' tests/records/cuda-24g.json >"$tap_tmp/foo.json"
"$p" plan qwen3-8b -q Q4_K_M -c 4k --on "$tap_tmp/foo.json" --no-bench --explain 2>/dev/null >"$tap_tmp/out"
is "arithmetic that is unknown is said to be" "$(grep -c 'at 0 TFLOPS' "$tap_tmp/out") $(grep -c 'gpu0 *q4_K .*arithmetic unknown' "$tap_tmp/out")" "0 1"
done_testing
