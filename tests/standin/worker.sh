#!/bin/sh
# worker: soukd, the payment worker of client/examples, and a provider that loses, delays, breaks and
# forgets; a worker that is killed in the middle. Then the provider's books against the engine's: nobody is
# charged twice, every order ends, and what was not sold is given back.
#
#     worker.sh BUILD [ORDERS] [SEED]
#
# SPDX-License-Identifier: Apache-2.0
set -eu
export LC_ALL=C
build=$1
orders=${2:-300}
seed=${3:-1}
here=$(dirname "$0")
. "$here/../replay/server.sh"
. "$here/provider.sh"
bin="$build/tests/standin"
worker_start() {
    "$build/examples/payment_worker" --psp "http://127.0.0.1:$port" --threads 8 --timeout-ms 300 \
        --lease-ms 4000 --sure-after 6 --quiet 2>> "$work/worker.err" &
    worker_pid=$!
    others="$standin_pid $worker_pid"
}

# What is given back comes again after 50, 100, 200, 400, 400 ms; with the tries of the five before it the
# sixth delivery is later than the provider's search lags.
server_start --shards 2
"$souk" policy put --payment-lease 1s --unpaid 5m --answer 1s --backoff 50ms --backoff-max 400ms \
    --deliveries 60 --attempts 6 > /dev/null || fail "policy put"
for sku in A B C; do
    "$souk" sku put $sku --price 10.00 > /dev/null
    "$souk" stock receive $sku 1000000 > /dev/null
done
provider_start --seed "$seed" --decline 60 --action 40 --action-fail 200 --action-ms 150 \
    --lose-before 60 --lose-after 60 --delay 40 --delay-ms 900 --error 40 --error-before 30 \
    --search-lag-ms 1500
worker_start

# ---- orders, some of which are captured when they are shipped --------------------------------------------
i=0
while [ "$i" -lt "$orders" ]; do
    capture=now
    [ $((i % 4)) -ne 0 ] || capture=ship
    echo "checkout u$i --line A=1 --line B=2 --card pm_card_visa --capture $capture --wait 1ms"
    i=$((i + 1))
done > "$work/checkouts"
"$souk" repl < "$work/checkouts" > /dev/null 2> "$work/checkout.err" &
client_pid=$!
sleep 1.5
kill -9 "$worker_pid"
wait "$worker_pid" 2> /dev/null || true
worker_start
wait "$client_pid" || true # declined ones are refusals
client_pid=
! grep -v -e PAYMENT_ -e 'check out' -e GIVEN "$work/checkout.err" | grep -q . ||
    { head "$work/checkout.err" >&2; fail "a checkout failed for another reason than its payment"; }

# settle: until no order waits for the outside world.
settle() {
    tries=0
    until "$souk" --json stuck > "$work/stuck" && [ ! -s "$work/stuck" ]; do
        tries=$((tries + 1))
        [ "$tries" -lt 600 ] || { head -n 3 "$work/stuck" >&2; fail "orders that do not end: $(wc -l < "$work/stuck")"; }
        sleep 0.1
    done
}
# all_orders: NUMBER STATE CAPTURED REFUNDED LINES of every order.
all_orders() {
    i=0
    while [ "$i" -lt "$orders" ]; do echo "orders u$i"; i=$((i + 1)); done |
        "$souk" --json repl |
        sed 's/.*"order":"\([^"]*\)".*"captured":\([0-9]*\),"refunded":\([0-9]*\).*"state":"\([A-Z_]*\)".*/\1 \4 \2 \3/' |
        sort > "$work/orders"
    [ "$(wc -l < "$work/orders")" = "$orders" ] || fail "$orders orders are not $(wc -l < "$work/orders")"
}
settle
all_orders
count() { awk -v state="$1" '$2 == state { n++ } END { print n + 0 }' "$work/orders"; }
say "after the checkouts: $(count PAID) paid, $(count PLACED) to be captured when shipped, $(count CANCELLED) cancelled"
[ "$(count PAID)" -gt $((orders / 3)) ] || fail "too few orders were paid"
[ "$(count CANCELLED)" -gt 0 ] || fail "no order was declined"

# ---- what follows: parts shipped and captured, parts cancelled and refunded --------------------------------
awk '$2 == "PLACED" { print "parcel plan " $1 " 1 --line 0=1"; print "parcel ship " $1 " 1" }
     $2 == "PAID" && n++ % 3 == 0 { print "order cancel " $1 " --line 1=1" }
     $2 == "PAID" && n % 3 == 1 { print "order cancel " $1 }' "$work/orders" > "$work/later"
"$souk" repl < "$work/later" > /dev/null 2> "$work/later.err" || { head "$work/later.err" >&2; fail "what follows the orders"; }
settle
all_orders
say "in the end: $(count PAID) paid, $(count PLACED) part shipped, $(count CANCELLED) cancelled"
[ $(($(count PAID) + $(count PLACED) + $(count CANCELLED))) = "$orders" ] || fail "orders in other states"

# ---- the books ---------------------------------------------------------------------------------------------
curl -s "http://127.0.0.1:$port/ledger" > "$work/ledger"
[ "$(field "$work/ledger" charged_twice)" = 0 ] || fail "somebody was charged twice"
# A line per key: NUMBER authorised captured refunded voided, and how many of its payments are still open.
sed 's/"\([0-9A-Z-]\{33\}\)\(\.[0-9]*\.[0-9]*\)":{"intents"/\n\1 {"intents"/g' "$work/ledger" |
    grep '^[0-9A-Z-]\{33\} ' | awk '{ print gsub(/"status":"requires_(capture|action)"/, "&"), $0 }' |
    sed 's/^\([0-9]*\) \([^ ]*\) .*"authorised":\([0-9]*\),"captured":\([0-9]*\),"refunded":\([0-9]*\),"voided":\([0-9]*\)}.*/\2 \3 \4 \5 \6 \1/' |
    sort > "$work/books"
[ -s "$work/books" ] || fail "the provider's books are empty"
join -a 1 "$work/orders" "$work/books" > "$work/joined"
[ "$(wc -l < "$work/joined")" = "$orders" ] || fail "an order has payments under two keys"
awk '
    { captured += $3; refunded += $4 }
    NF == 4 && ($2 != "CANCELLED" || $3 != 0) { print "not in the books: " $0; bad++ }
    NF == 4 { next }
    $3 != $6 || $4 != $7 { print "engine and provider differ: " $0; bad++ }
    $6 > $5 || $7 > $6 { print "the provider was asked for too much: " $0; bad++ }
    $2 == "CANCELLED" && ($6 != $7 || $9 != 0) { print "a cancelled order keeps money: " $0; bad++ }
    END { print captured " pence captured, " refunded " refunded"; exit bad != 0 }
' "$work/joined" > "$work/verdict" || { cat "$work/verdict" >&2; fail "the books do not agree"; }
cat "$work/verdict"
grep -q ' 0 refunded' "$work/verdict" && fail "nothing was refunded"
[ "$("$souk" command list --state dead | wc -l)" = 0 ] || fail "commands are dead"

kill "$worker_pid"
wait "$worker_pid" || fail "the worker ended with $?"
others=$standin_pid
[ ! -s "$work/worker.err" ] || { cat "$work/worker.err" >&2; fail "the worker complained"; }
for fault in lost_after lost_before delayed errors; do
    [ "$(field "$work/ledger" $fault)" -gt 0 ] || fail "$fault: the provider has not been bad enough"
done
"$souk" verify > /dev/null || fail "verify"
say "worker-check: $orders orders, $(field "$work/ledger" executed) requests executed, $(field "$work/ledger" replayed) answered as before, $(field "$work/ledger" lost_after) answers lost, nobody charged twice"
