#!/bin/sh
# run: replays sales through a real server and compares what comes out with computations of their own:
# as takes with tests/replay_totals.sh, as orders with tests/replay/orders_oracle.sh.
#
#     run.sh BUILD [FILE [WHAT]]   FILE defaults to the real sales in $SOUK_DATA, then to a generated
#                                  shop; WHAT is takes, orders or all. FULL=1: one client replays
#                                  the whole file as orders too, and not its first 60,000 lines
#
# As takes
#   1. --stock inf:                 all totals, every SKU and every line equal the computation
#   2. --stock 0.8, one client:     every line is granted or refused as in the sequential model
#   3. --stock 0.8, 64 clients:     the same again, no SKU below zero, refused + sold = asked for
# As orders, on one shard and on three
#   4. --stock inf, 1 and 64 clients: totals, invoices, lines and SKUs equal the computation
#   5. --stock 0.8, one client:     every invoice is accepted or refused as in the sequential model
#   6. --stock 0.8, 64 clients:     timing decides who gets the last unit; what follows from the
#                                   invoices that were accepted equals the computation, to the penny
# Each time: captured and refunded money are sums over the server's ledgers, every order is at rest, none
# is stuck, verify is clean, and the levels are those of the server.
#
# SPDX-License-Identifier: Apache-2.0
set -eu
build=$1
here=$(dirname "$0")
totals="$here/../replay_totals.sh"
oracle="$here/orders_oracle.sh"
. "$here/server.sh"

file=${2:-${SOUK_DATA:-}/online-retail-2010-12-to-2011-08.csv.xz}
what=${3:-all}
if [ ! -r "$file" ]; then
    say "SKIPPED the real sales: $file is not there (set SOUK_DATA); a generated shop instead"
    file="$work/shop.csv"
    "$souk" generate online-retail --seed 7 --lines 60000 > "$file"
fi

# compare_totals NAME: totals of replay.json against the computation, name by name.
compare_totals() {
    while IFS='=' read -r name value; do
        got=$(field "$work/replay.json" "$name")
        [ "$got" = "$value" ] || fail "$1: $name is $got, and should be $value"
    done < "$work/expected.totals"
}

# same NAME WHAT GOT EXPECTED: two files.
same() {
    cmp -s "$3" "$4" && return
    diff "$3" "$4" | head -n 6 >&2
    fail "$1: $2 differ"
}

# server_levels: what the server itself says of the SKUs in $work/codes, to $work/got.levels.
server_levels() {
    xargs -n 1000 "$souk" --json stock get < "$work/codes" > "$work/levels"
    ! grep -q '"on_hand":-' "$work/levels" || fail "$1: a SKU is below zero"
    sed 's/.*"code":"\([^"]*\)","on_hand":\([0-9]*\),.*/\1,\2/' "$work/levels" | LC_ALL=C sort > "$work/got.levels"
}

# is NAME FIELD VALUE: of replay.json.
is() {
    [ "$(field "$work/replay.json" "$2")" = "$3" ] ||
        fail "$1: $2 is $(field "$work/replay.json" "$2"), and should be $3"
}

# One client waits for a dozen durable writes in every order; so it gets the beginning of the file.
prefix="$file"
if [ -z "${FULL:-}" ]; then
    prefix="$work/prefix.csv"
    case $file in *.xz) xz -dc -- "$file" ;; *) cat -- "$file" ;; esac | sed -n 1,60001p > "$prefix"
fi

# ---- as takes ----

# takes NAME FACTOR CLIENTS
takes() {
    server_start --shards 2
    "$souk" --json replay online-retail "$file" --as takes --stock "$2" --clients "$3" \
        --per-sku "$work/got.skus" --per-line "$work/got.lines" \
        > "$work/replay.json" 2> "$work/replay.log" || { cat "$work/replay.log" >&2; fail "$1: replay"; }
    for part in totals skus lines; do
        [ -f "$work/takes.$2.$part" ] || "$totals" "$file" "$2" "$part" > "$work/takes.$2.$part"
        cp "$work/takes.$2.$part" "$work/expected.$part"
    done
    compare_totals "$1"
    tail -n +2 "$work/got.skus" | LC_ALL=C sort > "$work/got.sorted"
    same "$1" SKUs "$work/got.sorted" "$work/expected.skus"
    same "$1" lines "$work/got.lines" "$work/expected.lines"
    is "$1" books_wrong 0
    is "$1" sound true
    cut -d, -f1 "$work/expected.skus" > "$work/codes"
    server_levels "$1"
    cut -d, -f1,11 "$work/expected.skus" | LC_ALL=C sort > "$work/expected.levels"
    same "$1" levels "$work/got.levels" "$work/expected.levels"
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

# ---- as orders ----

# expect_orders SALES FACTOR CLIENTS: the computation, sequential or from what was accepted.
expect_orders() {
    awk -F, '$1 == "order" && $7 == "accepted" { print $2 }' "$work/got.invoices" > "$work/accepted"
    for part in totals invoices lines skus; do
        if [ "$2" = inf ] || [ "$3" = 1 ]; then
            sh "$oracle" --stock "$2" --print $part "$1" > "$work/expected.$part" &
        else
            sh "$oracle" --stock "$2" --accepted "$work/accepted" --print $part "$1" > "$work/expected.$part" &
        fi
        computing="${computing:-} $!"
    done
    for pid in $computing; do wait "$pid" || fail "the computation"; done
    computing=
}

# orders NAME SHARDS FACTOR CLIENTS
orders() {
    server_start --shards "$2"
    sales="$file"
    [ "$4" != 1 ] || sales="$prefix"
    "$souk" --json replay online-retail "$sales" --stock "$3" --clients "$4" --per-sku "$work/got.skus" \
        --per-line "$work/got.lines" --per-invoice "$work/got.invoices" \
        > "$work/replay.json" 2> "$work/replay.log" || { cat "$work/replay.log" "$work/replay.json" >&2; fail "$1: replay"; }
    cut -d, -f1 "$work/got.skus" | tail -n +2 > "$work/codes"
    server_levels "$1"
    expect_orders "$sales" "$3" "$4"
    if [ "$3" != inf ] && [ "$4" != 1 ]; then
        # Nothing is told about refusals and corrections there: what is left are the accepted ones.
        grep -v '^oversold_skus=' "$work/expected.totals" > "$work/expected.kept"
        grep -q '^oversold_skus=0$' "$work/expected.totals" || fail "$1: a SKU was sold more often than it was there"
        mv "$work/expected.kept" "$work/expected.totals"
        for part in invoices lines; do
            sed 's/,out_of_stock,/,refused,/' "$work/got.$part" > "$work/got.renamed"
            mv "$work/got.renamed" "$work/got.$part"
        done
        for part in got expected; do cut -d, -f1-4 "$work/$part.skus" > "$work/$part.sold"; done
        same "$1" "units of SKUs" "$work/got.sold" "$work/expected.sold"
    else
        same "$1" SKUs "$work/got.skus" "$work/expected.skus"
    fi
    compare_totals "$1"
    same "$1" invoices "$work/got.invoices" "$work/expected.invoices"
    same "$1" lines "$work/got.lines" "$work/expected.lines"
    cut -d, -f1,6 "$work/got.skus" | tail -n +2 > "$work/expected.levels"
    same "$1" levels "$work/got.levels" "$work/expected.levels"
    for name in orders_wrong not_at_rest stuck commands_left books_wrong; do is "$1" $name 0; done
    is "$1" sound true
    is "$1" orders_checked "$(field "$work/replay.json" orders)"
    server_end TERM
    rm -rf "$work/data"
    say "$1: $(field "$work/replay.json" accepted) orders accepted, $(field "$work/replay.json" refused) refused," \
        "$(field "$work/replay.json" captured_minor) pence captured," \
        "$(field "$work/replay.json" refunded_minor) refunded," \
        "$(field "$work/replay.json" orders_per_s) orders/s," \
        "p50 $(field "$work/replay.json" order_p50_us) us, p99 $(field "$work/replay.json" order_p99_us) us:" \
        "equal to the computation"
}

if [ "$what" != orders ]; then
    takes "takes, stock inf, 4 clients" inf 4
    takes "takes, stock 0.8, 1 client" 0.8 1
    takes "takes, stock 0.8, 64 clients" 0.8 64
fi
if [ "$what" != takes ]; then
    orders "orders, 1 shard, stock inf, 1 client" 1 inf 1
    orders "orders, 3 shards, stock inf, 64 clients" 3 inf 64
    orders "orders, 3 shards, stock 0.8, 1 client" 3 0.8 1
    orders "orders, 1 shard, stock 0.8, 64 clients" 1 0.8 64
    orders "orders, 3 shards, stock 0.8, 64 clients" 3 0.8 64
fi
say "replay-check: passed"
