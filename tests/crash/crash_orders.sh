#!/bin/sh
# crash_orders: kill -9 in the middle of checkouts, payments, parcels and returns, again and again.
#
#     crash_orders.sh BUILD [ROUNDS [SEED [FILE]]]
#
# Two replays of sales as orders are disturbed, ROUNDS kills in all, at moments drawn from SEED: one of
# one client with --stock 0.8, where each order depends on all before it, and one of 16 clients with
# --stock inf, where 16 events are under way at once. At each moment the server is killed, or the replay,
# which is also the provider of payments, or both. Each time:
#
#   - the kill landed under load: an event had ended since the look before
#   - the server starts again, and its sums are right before anything else has happened
#   - now and then, when nobody talks to it and all leases are over: the digests after this replay of
#     the log are those after the next one
#
# In the end, as if nothing had happened: every invoice, line and SKU equals the computation of
# tests/replay/orders_oracle.sh; captured and refunded money, summed over the server's ledgers, too; the
# levels on the server; no order is stuck, and verify is clean.
#
# SPDX-License-Identifier: Apache-2.0
set -eu
build=$1
rounds=${2:-50}
seed=${3:-$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}
oracle="$(dirname "$0")/../replay/orders_oracle.sh"
. "$(dirname "$0")/../replay/server.sh"

file=${4:-${SOUK_DATA:-}/online-retail-2010-12-to-2011-08.csv.xz}
if [ ! -r "$file" ]; then
    say "the real sales are not there ($file): a generated shop instead"
    file="$work/shop.csv"
    "$souk" generate online-retail --seed 11 --lines 60000 --skus 2000 > "$file"
fi
# The first 2,000 lines for each round: of the real sales about 70 orders.
case $file in *.xz) xz -dc -- "$file" ;; *) cat -- "$file" ;; esac | sed -n "1,$((rounds * 2000 + 1))p" > "$work/sales.csv"
file="$work/sales.csv"
say "crash of orders: $rounds rounds, seed $seed"

start_client() { # exec, so that a kill of the job kills the replay itself
    (exec "$souk" --json replay online-retail "$file" --stock "$factor" --clients "$clients" \
        --resume "$work/journal" --retry-seconds 120 --per-sku "$work/got.skus" \
        --per-line "$work/got.lines" --per-invoice "$work/got.invoices" \
        > "$work/result.json" 2>> "$work/client.log") &
    client_pid=$!
}
client_gone() { cat "$work/client.log" "$work/result.json" >&2; fail "round $round: the replay is gone"; }
ended() { grep -c '^\.' "$work/journal" || true; }
digests() { "$souk" --json verify > "$work/verify.json" || fail "round $round: verify: $(cat "$work/verify.json")"
    grep -o '"digest":"[0-9a-f]*"' "$work/verify.json"; }

# strike EVENTS WHOM MOMENT: when so many events have ended and one more ends, waits a moment and kills.
strike() {
    now=$(ended) last=$(ended)
    while [ "$now" -lt "$1" ] || [ "$now" -le "$last" ]; do
        kill -0 "$client_pid" 2> /dev/null || client_gone
        last=$now
        sleep 0.01
        now=$(ended)
    done
    sleep "$3"
    case $2 in
    server) kill -9 "$server_pid"; kill -STOP "$client_pid" ;;
    client) kill -9 "$client_pid" ;;
    both)   kill -9 "$server_pid" "$client_pid" ;;
    esac
    if [ "$2" != client ]; then
        wait "$server_pid" 2> /dev/null || true
        server_pid=
    fi
    [ "$2" = server ] || wait "$client_pid" 2> /dev/null || true
}

# A replay of the log gives the same state as another one, when nobody talks and no lease runs.
compare_digests() {
    sleep 3.5
    before=$(digests)
    server_end KILL
    server_start
    [ "$(digests)" = "$before" ] || fail "round $round: another digest after another start"
}

# disturb FACTOR CLIENTS KILLS SEED
disturb() {
    factor=$1 clients=$2
    for part in totals invoices lines skus; do
        sh "$oracle" --stock "$factor" --print $part "$file" > "$work/expected.$part"
    done
    events=$(($(wc -l < "$work/expected.invoices") - 1))
    # One line per round: events that have ended, who is killed, how long after one more has ended,
    # whether digests are compared.
    awk -v seed="$4" -v rounds="$3" -v total="$events" 'BEGIN {
        srand(seed % 2147483647)
        for (i = 0; i < rounds; i++) {
            dice = rand()
            printf "%d %s %.3f %d\n", total * (0.01 + 0.96 * (i + rand()) / rounds),
                   dice < 0.55 ? "server" : dice < 0.75 ? "client" : "both", rand() * 0.02, rand() < 0.2
        }
    }' > "$work/plan"
    : > "$work/journal"
    : > "$work/client.log"
    server_start --shards 3
    start_client
    while read -r point whom moment is_digest <&3; do
        round=$((round + 1))
        strike "$point" "$whom" "$moment"
        [ -n "$server_pid" ] || server_start
        digests > "$work/digests"
        if [ "$whom" = both ] && [ "$is_digest" = 1 ]; then compare_digests; fi
        say "round $round: $whom killed after $now of $events orders and returns; sums are right"
        if [ "$whom" = server ]; then kill -CONT "$client_pid"; else start_client; fi
    done 3< "$work/plan"
    wait "$client_pid" || client_gone
    client_pid=
    check_end
    server_end TERM
    rm -rf "$work/data"
}

check_end() {
    while IFS='=' read -r name value; do
        got=$(field "$work/result.json" "$name")
        [ "$got" = "$value" ] || fail "$name is $got, and should be $value"
    done < "$work/expected.totals"
    for part in invoices lines skus; do
        cmp -s "$work/got.$part" "$work/expected.$part" || {
            diff "$work/got.$part" "$work/expected.$part" | head -n 6 >&2
            fail "$part differ from the computation"
        }
    done
    for name in orders_wrong not_at_rest stuck commands_left books_wrong; do
        [ "$(field "$work/result.json" $name)" = 0 ] || fail "$name is $(field "$work/result.json" $name)"
    done
    [ "$(field "$work/result.json" sound)" = true ] || fail "verify"
    cut -d, -f1 "$work/got.skus" | tail -n +2 | xargs -n 1000 "$souk" --json stock get |
        sed 's/.*"code":"\([^"]*\)","on_hand":\([0-9]*\),.*/\1,\2/' | LC_ALL=C sort > "$work/got.levels"
    cut -d, -f1,6 "$work/expected.skus" | tail -n +2 | cmp -s - "$work/got.levels" || fail "levels on the server differ"
    say "stock $factor, $clients clients: $(field "$work/result.json" accepted) orders," \
        "$(field "$work/result.json" captured_minor) pence captured, $(field "$work/result.json" refunded_minor)" \
        "refunded: equal to the computation, after all those kills"
}

round=0
half=$((rounds / 2))
disturb 0.8 1 $((rounds - half)) "$seed"
[ "$half" -eq 0 ] || disturb inf 16 "$half" $((seed + 1))
say "crash of orders: passed, $rounds kills"
