#!/bin/sh
# worker_void: what the payment worker of client/examples answers when it is asked about a void that never
# came to the provider: of a payment that is there "void failed", so that another void follows; and only of one
# that is not there "no such payment".
#
#     worker_void.sh BUILD
#
# Somebody else authorises, and does not know of what; gives the order up, and does not know of the void. The
# engine has no reference of the payment then, and the provider has never seen the key of the void.
#
# SPDX-License-Identifier: Apache-2.0
set -eu
export LC_ALL=C
build=$1
. "$(dirname "$0")/../replay/server.sh"
. "$(dirname "$0")/provider.sh"

server_start --shards 2
"$souk" policy put --payment-lease 1m --unpaid 5m --answer 1s --backoff 50ms --backoff-max 200ms \
    --deliveries 60 --attempts 6 > /dev/null || fail "policy put"
"$souk" sku put A --price 10.00 > /dev/null
"$souk" stock receive A 10 > /dev/null
provider_start --search-lag-ms 300

# forget KIND: somebody leases a command, sees its key, and does not know what became of it.
forget() {
    "$souk" --json command poll --kind "$1" --wait 5s > "$work/leased" || fail "no $1 to be leased"
    key=$(field "$work/leased" key)
    [ "$1" != authorize ] || "$2"
    "$souk" payment event "$key" unknown --lease "$(field "$work/leased" lease)" > /dev/null || fail "unknown $1"
}
pay() {
    curl -s -H 'Authorization: Bearer any' -H "Idempotency-Key: $key" -d amount=1000 -d currency=gbp \
        -d payment_method=pm_card_visa -d capture_method=manual -d confirm=true \
        --data-urlencode "metadata[key]=$key" "http://127.0.0.1:$port/v1/payment_intents" > "$work/paid"
    [ "$(field "$work/paid" status)" = requires_capture ] || fail "the provider does not authorise: $(cat "$work/paid")"
}
# give_up USER pay|true: `order` is the number of an order whose payment and whose void nobody knows of.
give_up() {
    "$souk" --json checkout "$1" --line A=1 --card pm_card_visa --wait 1ms > "$work/checkout" || fail "checkout"
    order=$(field "$work/checkout" order)
    forget authorize "$2"
    "$souk" checkout cancel "$order" > /dev/null || fail "checkout cancel"
    forget void
    [ "$(field "$work/leased" reference)" = '' ] || fail "the engine knows the payment"
}
give_up alice pay
paid=$order
give_up bob true
unpaid=$order

"$build/examples/payment_worker" --psp "http://127.0.0.1:$port" --threads 2 --lease-ms 4000 --sure-after 6 \
    > "$work/worker.out" 2>&1 &
worker_pid=$!
others="$others $worker_pid"
tries=0
until "$souk" --json stuck > "$work/stuck" && [ ! -s "$work/stuck" ]; do
    tries=$((tries + 1))
    [ "$tries" -lt 200 ] || { cat "$work/stuck" "$work/worker.out" >&2; fail "an order does not end"; }
    sleep 0.1
done

kill "$worker_pid"
wait "$worker_pid" || fail "the worker ended with $?"

"$souk" order "$paid" --events > "$work/paid.events"
"$souk" order "$unpaid" --events > "$work/unpaid.events"
grep -q 'void failed' "$work/paid.events" ||
    { cat "$work/paid.events" >&2; fail "a void of a payment that is there was not said to have failed"; }
! grep -q 'void failed' "$work/unpaid.events" ||
    { cat "$work/unpaid.events" >&2; fail "a void of what is not there was said to have failed"; }
grep -q 'query .*: no-such-payment' "$work/worker.out" ||
    { cat "$work/worker.out" >&2; fail "nobody was told that there is no such payment"; }
curl -s "http://127.0.0.1:$port/ledger" > "$work/ledger"
for total in 'intents 1' 'voids 1' 'authorised_amount 1000' 'voided_amount 1000'; do
    sed 's/.*"totals":/{"totals":/' "$work/ledger" > "$work/totals"
    [ "$(field "$work/totals" "${total% *}")" = "${total#* }" ] ||
        { cat "$work/ledger" >&2; fail "the provider's books: not $total"; }
done
say "worker-check: a void that never came has failed, and is asked for again; what was never authorised needs none"
