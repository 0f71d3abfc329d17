#!/bin/sh
# Recorded answers. UPDATE=1 records them anew; a changed recording is reviewed like code.
# Speeds, qualities and what follows from them are left out: they are estimates under refinement and have tests of their
# own; what is held here is shape, wording, order of keys and bytes.
. tests/tap.sh

# Lines of a table that hold estimates, and the document's version.
text() { grep -vE '^(Speed|Quality|First)  ' | sed -E 's/[ ]+$//'; }
json() {
    jq 'del(.version, .machine.version) | if .plans then .plans[] |= del(.speed, .quality) else . end' | sed -E 's/[ ]+$//'
}

env() { grep -v '_TPS='; }
bytes() { sed '/^Speed (tokens/,$d' | text; } # --explain, as far as it is about bytes
# A table as CSV without the columns that hold estimates, its first rows.
rows() {
    head -4 | sed -E ':a; s/("[^",]*),([^"]*")/\1;\2/; ta' | awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) drop[i] = $i ~ /_tps$|^(ttft_s|quality|score|gain|reasons)$/ }
        { line = ""; for (i = 1; i <= NF; i++) if (!drop[i]) line = line "," $i; print substr(line, 2) }'
}

markdown() { cut -d'|' -f1-7,11-; } # without speed, first token, quality

golden() { # NAME STATUS FILTER ARGS...
    name=$1 want=$2 filter=$3; shift 3
    run "$@"
    "$filter" <"$tap_tmp/out" >"$tap_tmp/shown"
    cat "$tap_tmp/err" >>"$tap_tmp/shown"
    file=tests/golden/$name.out
    if [ "${UPDATE:-}" = 1 ]; then cp "$tap_tmp/shown" "$file"; fi
    if [ "$status" != "$want" ]; then fail "$name" "exit status $status, want $want"; return; fi
    if diff -u "$file" "$tap_tmp/shown" >"$tap_tmp/diff" 2>&1; then pass "$name"; else fail "$name" "$(head -60 "$tap_tmp/diff")"; fi
}

cpu=tests/records/cpu-32g.json cuda=tests/records/cuda-24g.json laptop=tests/records/laptop-24g.json
golden plan-dense-cpu 0 text plan llama-3.1-8b:Q4_K_M --on $cpu -c 8k
golden plan-moe-cuda 0 text plan qwen3-30b-a3b:Q4_K_M --on $cuda -c 32k -np 1
golden plan-no-laptop 1 text plan llama-3.3-70b:Q4_K_M --on $laptop -c 8k
golden plan-sliding-json 0 json plan gemma-3-4b-it:Q8_0 --on $laptop -c 16k -np 1 --json
golden plan-partial-json 0 json plan qwen3-32b:Q6_K --on $cuda -c 16k -np 1 -ctk q8_0 -ctv q8_0 -fa on --json
golden plan-two 0 text plan qwen3-8b:Q4_K_M qwen3-embedding-0.6b:Q8_0 --on $cuda -c 8k -np 1
golden plan-explicit-ngl 0 json plan qwen3-8b:Q4_K_M --on $cuda -c 4k -ngl 10 --no-mmap --json
golden plan-explain 0 bytes plan gemma-3-4b-it:Q4_K_M --on $cuda -c 16k -np 1 --explain
golden plan-env 0 env plan qwen3-8b:Q4_K_M --on $cuda -c 8k -np 1 --format env
golden plan-markdown 0 markdown plan llama-3.1-8b:Q4_K_M --on $cpu -c 8k -np 1 --format markdown
golden compare-csv 0 rows compare llama-3.1-8b:Q4_K_M gemma-3-4b-it:Q8_0 --on $cpu --on $cuda -c 8k -np 1 --format csv
golden need-csv 0 rows need llama-3.1-8b:Q4_K_M -c 8k -np 1 --format csv
golden fit-csv 0 rows fit llama-3.1-8b -q Q4_K_M --on $cuda --top 3 --format csv
golden probe-record 0 text probe --on $laptop
golden probe-record-json 0 json probe --on $laptop --json
golden probe-env 0 text probe --on $cuda --format env
golden catalog-show 0 text catalog show gpt-oss-20b
golden help 0 text --help
golden help-plan 0 text plan --help
done_testing
