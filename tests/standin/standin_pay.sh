#!/bin/sh
# standin_pay.sh good|careless N: pays 100 for the key PAY-N, and captures it, with the provider at $PORT.
#
# The good worker repeats a step under the same idempotency key until it is answered. The careless one
# begins a new payment whenever an answer is lost.
# SPDX-License-Identifier: Apache-2.0
set -u
worker=$1 name=PAY-$2
api="http://127.0.0.1:$PORT/v1"
# ask STEP PATH CURL-OPTION...: the answer in `body`, empty where it was lost.
ask() {
    step=$1 path=$2
    shift 2
    for try in $(seq 1 60); do
        body=$(curl -s -m 5 -H 'Authorization: Bearer any' -H "Idempotency-Key: $name/$step" -X POST "$@" "$api/$path")
        case $body in
        '' | *idempotency_key_in_use*) [ "$worker" = good ] || return 0 ;;
        *) return 0 ;;
        esac
    done
    echo "no answer in $try tries" >&2
    exit 1
}
for round in $(seq 1 60); do
    ask "create/$round" payment_intents -d amount=100 -d currency=gbp -d payment_method=pm_card_visa \
        -d capture_method=manual -d confirm=true -d "metadata[key]=$name"
    case $body in *card_declined*) exit 0 ;; esac
    id=$(printf '%s' "$body" | sed 's/.*"id":"\(pi_[^"]*\)".*/\1/')
    [ -n "$body" ] || continue
    ask "capture/$round" "payment_intents/$id/capture" -d amount_to_capture=100
    [ -z "$body" ] || exit 0
done
exit 1
