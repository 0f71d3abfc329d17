#!/bin/sh
# cppcheck as `make analyze` and tests/lint/cppcheck.t run it, from the root: findings on stderr, status 1 if there are any.
# BUILD/cppcheck keeps what was said of files that have not changed.
#
#   tools/cppcheck.sh BUILD PATH...
set -eu
cache=$1/cppcheck
shift
mkdir -p "$cache"
exec "${CPPCHECK:-cppcheck}" -q -j2 --cppcheck-build-dir="$cache" --std=c11 \
    --enable=warning,performance,portability,style --inline-suppr --suppressions-list=tools/cppcheck.txt \
    --error-exitcode=1 --template='{file}:{line}: {message} [{id}]' \
    -Iinclude -Isrc -I. -D_POSIX_C_SOURCE=200809L -DPLS_PKGDATADIR='""' "$@"
