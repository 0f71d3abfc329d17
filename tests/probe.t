#!/bin/sh
# The probe through the program: every recording answers, a stand-in for NVML is found like the real one, and a recording
# cannot make the program read outside itself.
. tests/tap.sh
whole='
    .schema == "plimsoll.probe/1" and .pools[0].id == "ram" and .pools[0].capacity_bytes > 0
    and all(.pools[]; .budget_bytes <= (.capacity_bytes // 0))
    and all(.pools[]; .within == null or .within == "ram")
    and (.pools[0].budget_bytes) as $ram | all(.pools[] | select(.within == "ram"); .budget_bytes <= $ram)'

for dir in tests/machines/*/; do
    name=$(basename "$dir")
    case $name in xml-*) continue ;; esac
    run probe --sysroot "$dir" --json
    is "$name answers, nothing on stderr" "$status $(cat "$tap_tmp/err")" "0 "
    ok "$name is whole and consistent" jq -e "$whole" "$tap_tmp/out"
done

# The advice to raise GTT looks at the lower of two limits: a driver that is told more than the kernel allows has its ear.
cp -R tests/machines/amd-strix-halo-128g "$tap_tmp/halo"
for file in "$tap_tmp"/halo/sys/class/drm/card0/device/mem_info_gtt_total "$tap_tmp"/halo/sys/module/*/parameters/pages_limit; do
    chmod u+w "$file"
done
echo 118111600640 >"$tap_tmp/halo/sys/class/drm/card0/device/mem_info_gtt_total"
is "GTT raised, the kernel's limit not" "$("$PLIMSOLL" probe --sysroot "$tap_tmp/halo" --json | jq -r '[.notes[].code | select(. == "raise-gtt" or . == "ttm")] | sort | join(" ")')" \
    "raise-gtt ttm"
echo 28835840 | tee "$tap_tmp"/halo/sys/module/*/parameters/pages_limit >"$tap_tmp/out"
is "both raised: nothing more to say" "$("$PLIMSOLL" probe --sysroot "$tap_tmp/halo" --json | jq -r '[.notes[].code | select(. == "raise-gtt")] | join(" ")')" ""

if [ -r /proc/meminfo ]; then
    total=$(awk '/^MemTotal:/ { printf "%.0f", $2 * 1024 }' /proc/meminfo)
    run probe --json
    ok "this machine's RAM is MemTotal within 1%" jq -e --argjson t "$total" \
        '.pools[0].capacity_bytes / $t | . > 0.99 and . < 1.01' "$tap_tmp/out"
fi

# gpus SCENE: how many, their notes' codes, and whether stdout was whole
gpus() {
    FAKE_NVML=$1 LD_LIBRARY_PATH="$BUILD/tests/fakes/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" "$PLIMSOLL" probe --json 2>"$tap_tmp/err" |
        jq -r '[.gpus[] | select(.vendor == "nvidia")] as $g
               | "\($g | length) \([.pools[] | select(.device != null) | .capacity_bytes] | add // 0)"
               + ([.notes[].code | select(startswith("gpu-") or startswith("nvml") or . == "mig" or . == "unified-memory")]
                  | map(" " + .) | join(""))'
}
if [ "$(uname -s)" = Linux ] && [ -f "$BUILD/tests/fakes/lib/libnvidia-ml.so.1" ] && ! [ -e /proc/driver/nvidia ]; then
    MIB=1048576
    is "NVML without GPUs" "$(gpus none)" "0 0"
    is "NVML with one" "$(gpus one)" "1 $((24564 * MIB))"
    is "NVML with two" "$(gpus two)" "2 $((2 * 24564 * MIB))"
    is "NVML with eight" "$(gpus eight)" "8 $((8 * 143771 * MIB))"
    is "NVML with a lost GPU" "$(gpus lost)" "1 $((24564 * MIB)) gpu-lost"
    is "NVML that fails is one note" "$(gpus error)" "0 0 nvml-error"
    is "NVML without its driver is one note" "$(gpus nodriver)" "0 0 nvml-error"
    is "NVML with slices" "$(gpus mig)" "2 $((2 * 19968 * MIB)) mig"
    empty "nothing on stderr" "$(cat "$tap_tmp/err")"
    mig() { FAKE_NVML=mig LD_LIBRARY_PATH="$BUILD/tests/fakes/lib" "$PLIMSOLL" plan --no-bench -c 8k -np 1 "$@" 2>&1; }
    is "a model is not split over slices" "$(mig qwen3-8b:Q4_K_M --json | jq -c '[.plans[0].placement[] | select(.layers > 0) | .pool]')" '["gpu0"]'
    ok "and plan says so" sh -c 'echo "$1" | grep -q "2 MIG slices"' - "$(mig qwen3-8b:Q4_K_M)"
    is "but shares may say otherwise" "$(mig qwen3-8b:Q4_K_M -ts 1,1 --json | jq -c '[.plans[0].placement[] | select(.layers > 0) | .pool] | length')" 2
fi

# A recording whose files are links to the outside shows nothing of it.
evil=$tap_tmp/evil
mkdir -p "$evil/proc"
printf 'MemTotal: 123456789 kB\n' >"$tap_tmp/outside"
ln -s ../../outside "$evil/proc/meminfo"
refuses "a link out of the recording is not followed" 3 meminfo probe --sysroot "$evil"
ln -sf "$tap_tmp/outside" "$evil/proc/meminfo"
refuses "nor an absolute one" 3 meminfo probe --sysroot "$evil"
refuses "a missing recording" 3 'No such file' probe --sysroot "$tap_tmp/none"

# A recording made here answers as this machine did.
run probe --record "$tap_tmp/rec" --json
is "probe --record answers as ever" "$status $(jq -r .schema "$tap_tmp/out")" "0 plimsoll.probe/1"
want=$(jq -c '[.cpu.name, .cpu.threads, .pools[0].capacity_bytes]' "$tap_tmp/out")
run probe --sysroot "$tap_tmp/rec" --json
is "and the recording answers the same" "$(jq -c '[.cpu.name, .cpu.threads, .pools[0].capacity_bytes]' "$tap_tmp/out")" "$want"
refuses "a directory that is in use is not recorded into" 3 'not empty' probe --record "$tap_tmp/rec"
refuses "words cannot be recorded" 2 'describes' probe --on "rtx 4090" --record "$tap_tmp/other"

# A processor whose modules nobody can read has its platform's bandwidth, and the answer says that this is assumed.
run probe --json --sysroot tests/machines/plain-8c16t-64g
is "a desktop processor has its platform's bandwidth, assumed" \
    "$(jq -r '.pools[0] | "\(.bandwidth_gbs) \(.origin)"' "$tap_tmp/out")" "83.2 assumed"
is "and a note says so" "$(jq '[.notes[] | select(.code == "assumed-bandwidth")] | length' "$tap_tmp/out")" 1

done_testing
