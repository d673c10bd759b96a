#!/bin/sh
# run: replays sales through a real server and compares what comes out with tests/replay_totals.sh.
#
#     run.sh BUILD [FILE]      FILE defaults to the real sales in $SOUK_DATA, then to a generated shop
#
#   1. --stock inf:                 all totals, every SKU and every line equal the computation
#   2. --stock 0.8, one client:     every line is granted or refused as in the sequential model
#   3. --stock 0.8, 64 clients:     the same again, no SKU below zero, refused + sold = asked for
#
# SPDX-License-Identifier: Apache-2.0
set -eu
build=$1
here=$(dirname "$0")
totals="$here/../replay_totals.sh"
. "$here/server.sh"

file=${2:-${SOUK_DATA:-}/online-retail-2010-12-to-2011-08.csv.xz}
if [ ! -r "$file" ]; then
    say "SKIPPED the real sales: $file is not there (set SOUK_DATA); a generated shop instead"
    file="$work/shop.csv"
    "$souk" generate online-retail --seed 7 --lines 60000 > "$file"
fi

# compare NAME: totals of replay.json against the computation, name by name.
compare_totals() {
    while IFS='=' read -r name value; do
        got=$(field "$work/replay.json" "$name")
        [ "$got" = "$value" ] || fail "$1: $name is $got, and should be $value"
    done < "$work/expected.totals"
}

# replay_and_compare NAME FACTOR CLIENTS
replay_and_compare() {
    server_start --shards 2
    "$souk" --json replay online-retail "$file" --as takes --stock "$2" --clients "$3" \
        --per-sku "$work/got.skus" --per-line "$work/got.lines" \
        > "$work/replay.json" 2> "$work/replay.log" || { cat "$work/replay.log" >&2; fail "$1: replay"; }
    for what in totals skus lines; do
        [ -f "$work/expected.$2.$what" ] || "$totals" "$file" "$2" "$what" > "$work/expected.$2.$what"
        cp "$work/expected.$2.$what" "$work/expected.$what"
    done
    compare_totals "$1"
    tail -n +2 "$work/got.skus" | LC_ALL=C sort > "$work/got.sorted"
    cmp -s "$work/got.sorted" "$work/expected.skus" || {
        diff "$work/got.sorted" "$work/expected.skus" | head -n 6 >&2
        fail "$1: SKUs differ"
    }
    cmp -s "$work/got.lines" "$work/expected.lines" || {
        diff "$work/got.lines" "$work/expected.lines" | head -n 6 >&2
        fail "$1: lines differ"
    }
    [ "$(field "$work/replay.json" books_wrong)" = 0 ] || fail "$1: the server's books differ"
    [ "$(field "$work/replay.json" sound)" = true ] || fail "$1: verify"
    # What the server itself says of every SKU.
    cut -d, -f1 "$work/expected.skus" | xargs -n 1000 "$souk" --json stock get > "$work/levels"
    grep -q '"on_hand":-' "$work/levels" && fail "$1: a SKU is below zero"
    sed 's/.*"code":"\([^"]*\)","on_hand":\([0-9]*\),.*/\1,\2/' "$work/levels" | LC_ALL=C sort > "$work/got.levels"
    cut -d, -f1,11 "$work/expected.skus" | LC_ALL=C sort | cmp -s - "$work/got.levels" ||
        fail "$1: levels on the server differ"
    asked=$(field "$work/replay.json" sale_units)
    sold=$(field "$work/replay.json" sold_units)
    refused=$(field "$work/replay.json" refused_units)
    [ "$asked" -eq $((sold + refused)) ] || fail "$1: $sold sold and $refused refused are not $asked"
    server_end TERM
    rm -rf "$work/data"
    say "$1: $(field "$work/replay.json" lines) lines, $sold units sold, $refused refused," \
        "$(field "$work/replay.json" revenue_minor) pence," \
        "$(field "$work/replay.json" lines_per_s) lines/s: equal to the computation"
}

replay_and_compare "stock inf, 4 clients" inf 4
replay_and_compare "stock 0.8, 1 client" 0.8 1
replay_and_compare "stock 0.8, 64 clients" 0.8 64
say "replay-check: passed"
