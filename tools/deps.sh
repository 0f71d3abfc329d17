#!/bin/sh
# Installs the packages that building (and, with "check", testing) needs and this machine lacks, saying what
# before doing it. DEPS=no: only says what is missing.
#
#   tools/deps.sh build|check
set -eu
what=${1:-build}

has_lib() { pkg-config --exists "$1" 2>/dev/null; }
has_cmd() { command -v "$1" >/dev/null 2>&1; }

missing=
need() { # need TEST NAME: prints the package names of this system on failure
    missing="$missing $1"
}

if has_cmd apt-get; then system=debian
elif has_cmd dnf; then system=fedora
elif has_cmd brew; then system=brew
elif has_cmd pkg; then system=freebsd
else system=none; fi

package() { # package THING -> name here
    case "$system:$1" in
        debian:cc) echo gcc libc6-dev;;       fedora:cc) echo gcc;;              brew:cc) ;;              freebsd:cc) ;;
        debian:pkg-config) echo pkg-config;;  fedora:pkg-config) echo pkgconf;;  brew:pkg-config) echo pkgconf;; freebsd:pkg-config) echo pkgconf;;
        debian:hwloc) echo libhwloc-dev;;     fedora:hwloc) echo hwloc-devel;;   brew:hwloc) echo hwloc;; freebsd:hwloc) echo hwloc2;;
        debian:sqlite3) echo libsqlite3-dev;; fedora:sqlite3) echo sqlite-devel;; brew:sqlite3) echo sqlite;; freebsd:sqlite3) echo sqlite3;;
        debian:libcjson) echo libcjson-dev;;  fedora:libcjson) echo cjson-devel;; brew:libcjson) echo cjson;; freebsd:libcjson) echo libcjson;;
        debian:smartcols) echo libsmartcols-dev;; fedora:smartcols) echo libsmartcols-devel;; brew:smartcols) echo util-linux;; freebsd:smartcols) echo libsmartcols;;
        debian:check) echo check;;            fedora:check) echo check-devel;;   brew:check) echo check;; freebsd:check) echo check;;
        debian:prove) echo perl;;             fedora:prove) echo perl-Test-Harness;; brew:prove) ;;       freebsd:prove) echo perl5;;
        debian:sqlite3-shell) echo sqlite3;;  *:sqlite3-shell) ;;
        debian:qemu-aarch64) echo qemu-user;; fedora:qemu-aarch64) echo qemu-user;; *:qemu-aarch64) ;;
        debian:aarch64-gcc) echo gcc-aarch64-linux-gnu libc6-dev-arm64-cross;; fedora:aarch64-gcc) echo gcc-aarch64-linux-gnu;; *:aarch64-gcc) ;;
        debian:clang) echo clang;;            fedora:clang) echo clang;;         *:clang) ;;
        debian:cppcheck) echo cppcheck;;      *:cppcheck) ;; # elsewhere it is another version than tests/lint/cppcheck.t asks for
        *:*) echo "$1";;
    esac
}

has_cmd cc || has_cmd gcc || need cc
has_cmd pkg-config || need pkg-config
for lib in hwloc sqlite3 libcjson smartcols; do has_lib "$lib" || need "$lib"; done
if [ "$what" = check ]; then
    has_lib check || need check
    has_cmd prove || need prove
    has_cmd jq || need jq
    has_cmd mandoc || need mandoc
    has_cmd sqlite3 || need sqlite3-shell
    has_cmd clang || need clang
    has_cmd cppcheck || need cppcheck
    if [ "$(uname -m)" = x86_64 ]; then
        has_cmd qemu-aarch64 || has_cmd qemu-aarch64-static || need qemu-aarch64
        has_cmd aarch64-linux-gnu-gcc || need aarch64-gcc
    fi
fi
[ -n "$missing" ] || exit 0

packages=
for thing in $missing; do packages="$packages $(package "$thing")"; done
packages=$(echo $packages)
if [ "${DEPS:-}" = no ]; then
    echo "plimsoll: missing:$missing (packages: ${packages:-none known here}); DEPS=no, so nothing is installed" >&2
    exit 0
fi
if [ -z "$packages" ]; then
    echo "plimsoll: missing:$missing, and no package of this system is known to hold them" >&2
    exit 0
fi
as_root=
if [ "$system" != brew ] && [ "$(id -u)" != 0 ]; then
    if has_cmd sudo; then as_root=sudo; else
        echo "plimsoll: needs $packages, but this is not root and there is no sudo" >&2; exit 3
    fi
fi
echo "plimsoll: installing $packages"
case $system in
    debian) $as_root apt-get update -qq && DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends $packages >/dev/null 2>&1 || { echo "plimsoll: apt-get could not install $packages" >&2; exit 3; };;
    fedora) $as_root dnf install -y -q $packages;;
    brew) brew install -q $packages;;
    freebsd) $as_root pkg install -y $packages;;
esac
