#!/bin/sh
# Inputs that are wrong in every way anyone has thought of, or a fuzzer has found, read under the sanitizers where they are
# built: nothing may crash, overflow or contradict itself (tests/fuzz/fuzz.h says what must hold).
. tests/tap.sh
replay() { # TARGET FOLDER
    program=$BUILD/tests/$1
    [ -x "build/san/tests/$1" ] && program=build/san/tests/$1
    "$program" tests/fuzz/corpus/"$2"/* >"$tap_tmp/out" 2>"$tap_tmp/err"
    is "$1 reads everything in $2" "$? $(grep -c . "$tap_tmp/out")" "0 $(ls tests/fuzz/corpus/"$2" | wc -l | tr -d ' ')"
    sed 's/^/# /' "$tap_tmp/err" | head -n 20
}
replay fuzz_file files
replay fuzz_gguf files
replay fuzz_json files
replay fuzz_record records
replay fuzz_model models
done_testing
