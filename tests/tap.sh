# Test Anything Protocol for shell tests: . tests/tap.sh; ok "name" command...; is "name" got want; done_testing
# Tests run from the repository root; BUILD is the build folder.
set -u
BUILD=${BUILD:-build}
PLIMSOLL=${PLIMSOLL:-$BUILD/plimsoll}
tap_n=0
tap_failed=0
tap_tmp=$(mktemp -d "${TMPDIR:-/tmp}/plimsoll-test.XXXXXX") || exit 1
trap 'chmod -R u+rwx "$tap_tmp" 2>/dev/null; rm -rf "$tap_tmp"' EXIT

# Nothing of the person who runs the tests may change an answer, and nothing is left behind.
unset PLIMSOLL_CATALOG COLUMNS NO_COLOR
export HOME="$tap_tmp/home" XDG_DATA_HOME="$tap_tmp/data" XDG_CONFIG_HOME="$tap_tmp/config" XDG_CACHE_HOME="$tap_tmp/cache"
export LC_ALL=C.UTF-8 TERM=dumb
mkdir -p "$HOME"

pass() { tap_n=$((tap_n + 1)); echo "ok $tap_n - $1"; }
fail() { tap_n=$((tap_n + 1)); tap_failed=$((tap_failed + 1)); echo "not ok $tap_n - $1"; shift; for line in "$@"; do printf '%s\n' "$line" | sed 's/^/# /'; done; }
skip() { tap_n=$((tap_n + 1)); echo "ok $tap_n - $1 # SKIP $2"; }

ok() {
    name=$1; shift
    if "$@" >"$tap_tmp/ok.out" 2>&1; then pass "$name"; else fail "$name" "$(head -20 "$tap_tmp/ok.out")"; fi
}
is() { if [ "$2" = "$3" ]; then pass "$1"; else fail "$1" "got:  $2" "want: $3"; fi; }
empty() { if [ -z "$2" ]; then pass "$1"; else fail "$1" "$2"; fi; }

# run ARGS...: the program, its streams in $tap_tmp/out and $tap_tmp/err, its status in $status
run() { "$PLIMSOLL" "$@" >"$tap_tmp/out" 2>"$tap_tmp/err"; status=$?; }

# refuses NAME STATUS PATTERN ARGS...: that status, one line on stderr that matches, nothing on stdout
refuses() {
    name=$1 want=$2 pattern=$3; shift 3
    run "$@"
    if [ "$status" != "$want" ]; then fail "$name" "exit status $status, want $want" "$(cat "$tap_tmp/err")"
    elif [ -s "$tap_tmp/out" ]; then fail "$name" "stdout is not empty: $(head -c 200 "$tap_tmp/out")"
    elif [ "$(wc -l <"$tap_tmp/err")" != 1 ]; then fail "$name" "stderr is not one line:" "$(cat "$tap_tmp/err")"
    elif ! grep -Eq "$pattern" "$tap_tmp/err"; then fail "$name" "stderr does not match $pattern:" "$(cat "$tap_tmp/err")"
    else pass "$name"; fi
}

done_testing() { echo "1..$tap_n"; [ "$tap_failed" = 0 ]; }
