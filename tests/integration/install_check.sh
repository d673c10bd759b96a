#!/bin/sh
# install_check.sh: what `make install` puts down is enough to build and run a program, shared and
# static, and uninstall takes all of it away again. Needs BUILD, CC and VERSION.
# SPDX-License-Identifier: Apache-2.0
set -eu
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
make -s BUILD="$BUILD" PREFIX=/usr DESTDIR="$root" install > "$root/install.log" 2>&1 || {
    cat "$root/install.log"
    exit 1
}
for file in bin/soukd bin/souk bin/souk-bench lib/libsouk.a lib/libsouk.so include/souk.h \
    lib/pkgconfig/souk.pc share/man/man1/soukd.1 share/man/man1/souk.1 share/man/man1/souk-bench.1 \
    share/bash-completion/completions/souk lib/systemd/system/soukd.service share/doc/souk/README.md; do
    [ -s "$root/usr/$file" ] || {
        echo "install-check: $file is missing or empty"
        exit 1
    }
done
for program in soukd souk souk-bench; do
    "$root/usr/bin/$program" --version | grep -qF "$VERSION" || {
        echo "install-check: $program --version does not say $VERSION"
        exit 1
    }
done
# Nothing but souk_ symbols may leave the shared library.
foreign=$(nm -D --defined-only "$root/usr/lib/libsouk.so" | awk '$2 != "A" && $3 !~ /^souk_/ { print $3 }')
[ -z "$foreign" ] || {
    echo "install-check: libsouk.so exports $foreign"
    exit 1
}
export PKG_CONFIG_PATH="$root/usr/lib/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$root"
# shellcheck disable=SC2046
$CC -std=c11 client/examples/quickstart.c -o "$root/shared" $(pkg-config --cflags --libs souk)
# shellcheck disable=SC2046
$CC -std=c11 client/examples/quickstart.c -o "$root/static" $(pkg-config --cflags souk) \
    "$root/usr/lib/libsouk.a" -pthread

"$root/usr/bin/soukd" "$root/data" --listen none --unix "$root/souk.sock" --shards 2 --reactors 1 \
    > "$root/ready" 2> "$root/soukd.log" &
server=$!
trap 'kill $server 2> /dev/null || true; rm -rf "$root"' EXIT
for _ in $(seq 100); do
    grep -q '^ready' "$root/ready" && break
    sleep 0.1
done
LD_LIBRARY_PATH="$root/usr/lib" "$root/shared" "unix:$root/souk.sock" > "$root/out.shared"
"$root/static" "unix:$root/souk.sock" > "$root/out.static"
[ -s "$root/out.shared" ] && [ -s "$root/out.static" ]
kill "$server"
wait "$server"
make -s BUILD="$BUILD" PREFIX=/usr DESTDIR="$root" uninstall > /dev/null
left=$(find "$root/usr" -type f -o -type l)
[ -z "$left" ] || {
    echo "install-check: uninstall leaves $left"
    exit 1
}
echo "install-check: passed"
