#!/bin/sh
# What the objects ask of the world, proved from their undefined symbols.
. tests/tap.sh
command -v nm >/dev/null || { skip "purity" "no nm here"; done_testing; exit; }

# nm prints "file.o:" headings; every undefined symbol becomes "path symbol".
undefined() { for o in "$@"; do nm -u "$o" | awk -v o="$o" 'NF { sub(/@.*/, "", $NF); print o, $NF }'; done; }
undefined "$BUILD"/src/*/*.o >"$tap_tmp/undefined"
ok "objects were found" test -s "$tap_tmp/undefined"

# The core is arithmetic on values: mem*, str* that take no locale, libm, asserts, and base.
pure='^(pls_[a-z0-9_]*|mem(cpy|set|cmp|move|chr)|str(len|n?cmp|n?len|r?chr|str|c?spn|pbrk)|__(memcpy|memset|memmove)_chk|strtok_r|strto(l|ul|ll|ull)|__isoc[0-9]*_strto(l|ul|ll|ull)|__stack_chk_fail|__assert_fail|_GLOBAL_OFFSET_TABLE_|(exp|exp2|expm1|log|log2|log10|log1p|sqrt|cbrt|pow|floor|ceil|round|trunc|lround|llround|fabs|fmin|fmax|fmod|ldexp|frexp|nearbyint|rint|isnan|isinf|isfinite)f?)$'
empty "core calls no I/O, allocator, clock or environment" \
    "$(awk -v p="$pure" '$1 ~ "/src/core/" && $2 !~ p' "$tap_tmp/undefined")"

never() { empty "$1" "$(awk -v p="^($2)\$" -v except="$3" '$2 ~ p && $1 !~ except' "$tap_tmp/undefined")"; }
never "no shell is ever started" 'system|popen|execl|execlp|execle|execv|execvp|execve|posix_spawnp?|fork|vfork' '^-$'
never "the environment is read in cli alone" 'getenv|secure_getenv|environ|setenv|putenv|unsetenv' '/src/cli/'
never "only cli knows the standard streams" 'stdout|stderr|stdin|printf|puts|putchar|perror|__printf_chk|vprintf' '/src/cli/'
never "only main ends the program" 'exit|_exit|_Exit|abort|quick_exit' '^-$'
never "no unbounded copies, no locale, no hidden state" \
    'strcpy|strcat|sprintf|vsprintf|gets|strtok|strtod|strtof|atof|atoi|rand|srand|gmtime|localtime|asctime|ctime|tmpnam|mktemp|__strcpy_chk|__strcat_chk|__sprintf_chk' '^-$'
never "no network" 'socket|connect|bind|getaddrinfo|gethostbyname' '^-$'
done_testing
