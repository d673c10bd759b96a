#!/bin/sh
# deps.sh [build|check|bench]: installs the Debian packages that are missing.
#   build  what `make`, `make test` and `make demo` need (default)
#   check  and what `make check` needs: the second compiler, the formatter, the payment provider's libraries
#   bench  the peers that `make bench` compares with
# Runs as root or with sudo; otherwise prints the one command to run. Nothing is done when nothing
# is missing.
# SPDX-License-Identifier: Apache-2.0
set -eu
tier=${1:-build}
packages="gcc libc6-dev make pkg-config liburing-dev libjemalloc-dev libxxhash-dev liblz4-dev
    libutf8proc-dev libstemmer-dev libcmocka-dev libjansson-dev libedit-dev libcurl4-openssl-dev
    xz-utils"
case $tier in
build) ;;
check) packages="$packages clang clang-format libclang-rt-14-dev
    libmicrohttpd-dev curl" ;;
bench) packages="$packages redis-server postgresql-15 libpq-dev g++ libsqlite3-dev libxapian-dev" ;;
*)
    echo "usage: deps.sh [build|check|bench]" >&2
    exit 2
    ;;
esac

if ! command -v dpkg-query > /dev/null 2>&1 || ! command -v apt-get > /dev/null 2>&1; then
    cat >&2 << 'EOF'
This is not a Debian system, so nothing is installed. Souk needs, with their headers:
  gcc or clang (C11), GNU make, pkg-config, liburing 2.3 or newer, jemalloc 5, xxHash 0.8, lz4, utf8proc 2.8,
  libstemmer 2.2, CMocka 1.1.5 (tests), jansson 2.13, libedit, libcurl (an example), xz (to read compressed data), and for make check
  libmicrohttpd 0.9.75, libcurl 7.88 and curl
and Linux 6.1 or newer. Install them with your package manager and run make again.
EOF
    # A distribution of another kind may well have them all: let the compiler decide.
    exit 0
fi

missing=
for package in $packages; do
    # libclang-rt is named after the compiler's version; any version of it serves. So it is with the
    # PostgreSQL that is measured (figures of the documents are of 15).
    case $package in
    libclang-rt-*) found=$(dpkg-query -W -f='${Status}\n' 'libclang-rt-*-dev' 2> /dev/null || true) ;;
    postgresql-15) found=$(dpkg-query -W -f='${Status}\n' 'postgresql-[0-9]*' 2> /dev/null || true) ;;
    *) found=$(dpkg-query -W -f='${Status}\n' "$package" 2> /dev/null || true) ;;
    esac
    case $found in
    *"install ok installed"*) ;;
    *) missing="$missing $package" ;;
    esac
done
[ -n "$missing" ] || exit 0

# On another release than Debian 12 the runtime library of clang has another number, and PostgreSQL.
case $missing in
*libclang-rt-14-dev*)
    apt-cache show libclang-rt-14-dev > /dev/null 2>&1 ||
        missing=$(echo "$missing" | sed 's/libclang-rt-14-dev/libclang-rt-dev/')
    ;;
esac
case $missing in
*postgresql-15*)
    apt-cache show postgresql-15 > /dev/null 2>&1 ||
        missing=$(echo "$missing" | sed 's/postgresql-15/postgresql/')
    ;;
esac

if [ "$(id -u)" = 0 ]; then
    as_root=
elif command -v sudo > /dev/null 2>&1 && sudo -n true 2> /dev/null; then
    as_root=sudo
else
    echo "Some packages are missing. Install them with this command, then run make again:" >&2
    echo "  su -c 'apt-get update && apt-get install -y --no-install-recommends$missing'" >&2
    exit 1
fi
echo "installing:$missing"
$as_root apt-get update -q > /dev/null
DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -q --no-install-recommends $missing > /dev/null
