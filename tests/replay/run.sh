#!/bin/sh
# run: replays sales through a real server and compares what comes out with computations of their own:
# as takes with tests/replay_totals.sh, as orders with tests/replay/orders_oracle.sh.
#
#     run.sh BUILD [FILE [WHAT]]   FILE defaults to the real sales in $SOUK_DATA, then to a generated
#                                  shop; WHAT is takes, orders or all. FULL=1: one client replays
#                                  the whole file as orders too, and not its first 30,000 lines
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
# The first 20,000 lines as orders on three shards, with a provider of payments that is late, loses answers,
# says things twice and in another order, fails, and wants to hear from the shopper (souk psp-sim)
#   7. --stock inf:                 nobody is declined: everything equals the computation
#   8. --stock 0.8:                 it declines, and does not do what it was asked: as 6.
# Each time: captured and refunded money are sums over the server's ledgers, and in 7 and 8 those of the
# provider's books too; every order is at rest, none is stuck, nothing is held, verify is clean, and the
# levels are those of the server.
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

plain() { case $file in *.xz) xz -dc -- "$file" ;; *) cat -- "$file" ;; esac; }

# One client waits for a dozen durable writes in every order; so it gets the beginning of the file.
prefix="$file"
if [ -z "${FULL:-}" ]; then
    prefix="$work/prefix.csv"
    plain | sed -n 1,30001p > "$prefix"
fi

# ---- as takes ----

# takes NAME FACTOR CLIENTS
takes() {
    server_start --shards 2
    "$souk" --json replay online-retail "$file" --as takes --stock "$2" --clients "$3" \
        --per-sku "$work/got.skus" --per-line "$work/got.lines" \
        > "$work/replay.json" 2> "$work/replay.log" || { cat "$work/replay.log" >&2; fail "$1: replay"; }
    computing=
    for part in totals skus lines; do
        [ -f "$work/takes.$2.$part" ] || { "$totals" "$file" "$2" "$part" > "$work/takes.$2.$part" & computing="$computing $!"; }
    done
    for pid in $computing; do wait "$pid" || fail "$1: the computation"; done
    for part in totals skus lines; do cp "$work/takes.$2.$part" "$work/expected.$part"; done
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

# expect_orders SALES FACTOR MODE: the computation, `alone` or from the invoices that were accepted.
expect_orders() {
    if [ "$3" = accepted ]; then
        awk -F, '$1 == "order" && $7 == "accepted" { print $2 }' "$work/got.invoices" > "$work/accepted"
        sh "$oracle" --stock "$2" --accepted "$work/accepted" --into "$work/expected" "$1"
        return
    fi
    alone="$work/alone.$2.$(basename "$1")"
    [ -f "$alone.totals" ] || sh "$oracle" --stock "$2" --into "$alone" "$1"
    for part in totals invoices lines skus; do cp "$alone.$part" "$work/expected.$part"; done
}

# keep_what_follows NAME: what a list of accepted invoices says nothing about is left out: why others were
# refused, and corrections.
keep_what_follows() {
    grep -v '^oversold_skus=' "$work/expected.totals" > "$work/expected.kept"
    grep -q '^oversold_skus=0$' "$work/expected.totals" || fail "$1: a SKU was sold more often than it was there"
    mv "$work/expected.kept" "$work/expected.totals"
    awk -F, -v OFS=, '$1 == "order" && $7 != "accepted" { $7 = "refused" } { print }' "$work/got.invoices" > "$work/got.renamed"
    mv "$work/got.renamed" "$work/got.invoices"
    awk -F, -v OFS=, 'NR > 1 && $6 != "accepted" { $6 = "refused" } { print }' "$work/got.lines" > "$work/got.renamed"
    mv "$work/got.renamed" "$work/got.lines"
    for part in got expected; do
        cut -d, -f1-4 "$work/$part.skus" > "$work/$part.sold"
        mv "$work/$part.sold" "$work/$part.skus"
    done
}

# replay_orders NAME SALES FACTOR CLIENTS [OPTION...]
replay_orders() {
    name=$1 sales=$2 factor=$3 clients=$4
    shift 4
    timeout "${limit:-1800}" "$souk" --json replay online-retail "$sales" --stock "$factor" --clients "$clients" "$@" \
        --per-sku "$work/got.skus" --per-line "$work/got.lines" --per-invoice "$work/got.invoices" \
        > "$work/replay.json" 2> "$work/replay.log" || {
        code=$?
        tail -n 20 "$work/replay.log" "$work/replay.json" >&2
        "$souk" stuck >&2 || true
        fail "$name: the replay ended with $code"
    }
}

# judge_orders NAME SALES FACTOR MODE
judge_orders() {
    cut -d, -f1 "$work/got.skus" | tail -n +2 > "$work/codes"
    cut -d, -f1,6 "$work/got.skus" | tail -n +2 > "$work/expected.levels"
    server_levels "$1"
    same "$1" levels "$work/got.levels" "$work/expected.levels"
    expect_orders "$2" "$3" "$4"
    [ "$4" != accepted ] || keep_what_follows "$1"
    compare_totals "$1"
    for part in skus invoices lines; do same "$1" $part "$work/got.$part" "$work/expected.$part"; done
    for name in orders_wrong not_at_rest stuck commands_left books_wrong held allocated hold_count; do is "$1" $name 0; done
    is "$1" sound true
    is "$1" orders_checked "$(field "$work/replay.json" orders)"
    say "$1: $(field "$work/replay.json" accepted) orders accepted, $(field "$work/replay.json" refused) refused," \
        "$(field "$work/replay.json" captured_minor) pence captured," \
        "$(field "$work/replay.json" refunded_minor) refunded," \
        "$(field "$work/replay.json" orders_per_s) orders/s," \
        "p50 $(field "$work/replay.json" order_p50_us) us, p99 $(field "$work/replay.json" order_p99_us) us:" \
        "equal to the computation"
}

# orders NAME SHARDS FACTOR CLIENTS
orders() {
    sales="$file" mode=alone
    [ "$4" != 1 ] || sales="$prefix"
    [ "$3" = inf ] || [ "$4" = 1 ] || mode=accepted
    server_start --shards "$2"
    replay_orders "$1" "$sales" "$3" "$4"
    judge_orders "$1" "$sales" "$3" "$mode"
    server_end TERM
    rm -rf "$work/data"
}

# unreliable NAME FACTOR MODE [OPTION...]: paid by a provider that does as the options of psp-sim say.
unreliable() {
    name=$1 factor=$2 mode=$3
    shift 3
    server_start --shards 3
    "$souk" policy put --answer 500ms --backoff 20ms --backoff-max 200ms --deliveries 60 --attempts 10 > /dev/null
    "$souk" --json psp-sim --seed 1 --lease 500ms --lost 10 --duplicate 10 --reorder 20 --action 5 --fail 10 "$@" \
        > "$work/sim.json" 2> "$work/sim.log" &
    client_pid=$!
    limit=240 # nobody else notices an order that stands still
    replay_orders "$name" "$few" "$factor" 32 --psp none
    limit=
    kill -INT "$client_pid"
    wait "$client_pid" || { cat "$work/sim.log" "$work/sim.json" >&2; fail "$name: psp-sim ended with $?"; }
    client_pid=
    for money in captured_minor refunded_minor; do is "$name" $money "$(field "$work/sim.json" $money)"; done
    for fault in answers_lost duplicates seen_before failures query_commands "$faults"; do
        [ "$(field "$work/sim.json" "$fault")" -gt 0 ] || fail "$name: no $fault: the provider was not bad enough"
    done
    judge_orders "$name" "$few" "$factor" "$mode"
    server_end TERM
    rm -rf "$work/data"
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
    few="$work/few.csv"
    plain | sed -n 1,20001p > "$few"
    faults=reordered
    unreliable "a provider that loses answers" inf alone
    faults=late
    unreliable "a provider that is late, and loses answers" inf alone --late 20ms
    faults=timeouts
    unreliable "a provider that declines and does not answer" 0.8 accepted --decline 5 --no-answer 10
    [ "$(field "$work/sim.json" declined)" -gt 0 ] || fail "nobody was declined"
fi
say "replay-check: passed"
