#!/bin/sh
# standin: every answer and every fault of psp-standin, asked with curl.
#
#     standin.sh BUILD
#
# SPDX-License-Identifier: Apache-2.0
set -eu
export LC_ALL=C
bin="$1/tests/standin"
here=$(dirname "$0")
work=$(mktemp -d "${TMPDIR:-/tmp}/souk-standin.XXXXXX")
. "$here/standin_lib.sh"

# ---- a payment from beginning to end -------------------------------------------------------------
standin_start
post k1 payment_intents amount=1250 currency=gbp payment_method=pm_card_visa capture_method=manual \
    confirm=true 'metadata[key]=K 1/ü'
answers 200 status requires_capture amount_capturable 1250 amount_received 0 key 'K 1/ü'
pi=$(field "$work/body" id)
get "payment_intents/$pi"
answers 200 id "$pi" status requires_capture
get payment_intents/search "query=metadata['key']:'K 1/ü'"
answers 200 object search_result id "$pi"
get payment_intents/search "query=metadata['key']:'K 2'"
answers 200 object search_result id ''
post k2 "payment_intents/$pi/capture" amount_to_capture=1250
answers 200 status succeeded amount_received 1250 amount_capturable 0
post k3 refunds "payment_intent=$pi" amount=300 'metadata[key]=R 1'
answers 200 status succeeded amount 300 payment_intent "$pi" key 'R 1'
re=$(field "$work/body" id)
get "refunds/$re"
answers 200 id "$re" amount 300
post k4 refunds "payment_intent=$pi"
answers 200 amount 950
get refunds "payment_intent=$pi"
answers 200 object list
[ "$(grep -o '"object":"refund"' "$work/body" | wc -l)" = 2 ] || fail "not two refunds"
post k5 refunds "payment_intent=$pi" amount=1
answers 400 code charge_already_refunded
ledger captured_amount 1250 refunded_amount 1250 captures 1 refunds 2 voids 0 charged_twice 0
ok "authorise, find, capture, refund in parts"

# ---- money is conserved -----------------------------------------------------------------------------
intent a1 1000 A
post a2 "payment_intents/$pi/capture" amount_to_capture=1001
answers 400 code amount_too_large param amount_to_capture
post a3 refunds "payment_intent=$pi"
answers 400 code payment_intent_unexpected_state
post a4 "payment_intents/$pi/capture" amount_to_capture=400 final_capture=false
answers 200 status requires_capture amount_received 400 amount_capturable 600
post a5 "payment_intents/$pi/capture" amount_to_capture=601 final_capture=false
answers 400 code amount_too_large
post a6 "payment_intents/$pi/capture" amount_to_capture=100
answers 200 status succeeded amount_received 500 amount_capturable 0
post a7 "payment_intents/$pi/capture"
answers 400 code payment_intent_unexpected_state
post a8 "payment_intents/$pi/cancel"
answers 400 code payment_intent_unexpected_state
post a9 refunds "payment_intent=$pi" amount=501
answers 400 code amount_too_large
post a10 refunds "payment_intent=$pi" amount=500
answers 200 amount 500
ledger captured_amount 1750 refunded_amount 1750 captures 3 refunds 3 voids 0
ok "captured stays below authorised, refunded below captured"

intent b1 700 B
post b2 "payment_intents/$pi/cancel" cancellation_reason=abandoned
answers 200 status canceled amount_capturable 0
post b3 "payment_intents/$pi/capture"
answers 400 code payment_intent_unexpected_state
post b4 "payment_intents/$pi/cancel"
answers 400 code payment_intent_unexpected_state
intent b5 900 B2
post b6 "payment_intents/$pi/capture" amount_to_capture=250 final_capture=false
post b7 "payment_intents/$pi/cancel"
answers 200 status canceled amount_received 250 amount_capturable 0
post b8 refunds "payment_intent=$pi"
answers 200 amount 250
ledger voids 2 voided_amount 1350 captured_amount 2000 refunded_amount 2000
ok "cancelling gives back what is not captured, once"

# ---- what the bank and the shopper say ------------------------------------------------------------------
post c1 $(payment 100 C1 pm_card_visa_chargeDeclined)
answers 402 type card_error code card_declined decline_code generic_decline status requires_payment_method
post c2 $(payment 100 C2 pm_card_chargeDeclinedInsufficientFunds)
answers 402 decline_code insufficient_funds
pi=$(sed 's/.*"payment_intent":{"id":"\([^"]*\)".*/\1/' "$work/body")
post c3 "payment_intents/$pi/capture"
answers 400 code payment_intent_unexpected_state
post c4 $(payment 100 C4 pm_card_authenticationRequired)
answers 200 status requires_action amount_capturable 0
pi=$(field "$work/body" id)
post c5 "test_helpers/payment_intents/$pi/finish_action" outcome=authorized
answers 200 status requires_capture amount_capturable 100
post c6 $(payment 100 C6 pm_card_authenticationRequired)
pi=$(field "$work/body" id)
post c7 "test_helpers/payment_intents/$pi/finish_action" outcome=failed
answers 200 status requires_payment_method
post c8 "test_helpers/payment_intents/$pi/finish_action" outcome=authorized
answers 400 code payment_intent_unexpected_state
post c9 $(payment 100 C9 pm_card_authenticationRequired)
post c10 "payment_intents/$(field "$work/body" id)/cancel"
answers 200 status canceled
ledger declined 3 captured_amount 2000
ok "declines, and shoppers who must act"

# ---- idempotency ----------------------------------------------------------------------------------------
post d1 $(payment 100 D1)
answers 200
cp "$work/body" "$work/first"
post d1 payment_intents confirm=true capture_method=manual payment_method=pm_card_visa currency=gbp \
    'metadata[key]=D1' amount=100
cmp -s "$work/body" "$work/first" || fail "the first answer is not repeated"
grep -qi '^idempotent-replayed: true' "$work/head" || fail "no header Idempotent-Replayed"
[ "$(of_key D1 | grep -o '"id":"pi_' | wc -l)" = 1 ] || fail "a repeated request made a second payment"
post d1 $(payment 101 D1)
answers 400 type idempotency_error
post d1 refunds "payment_intent=$(field "$work/first" id)"
answers 400 type idempotency_error
post c1 $(payment 100 C1 pm_card_visa_chargeDeclined)
answers 402 code card_declined
grep -qi '^idempotent-replayed: true' "$work/head" || fail "a decline is not kept"
ledger declined 3
post d2 payment_intents amount=0 currency=gbp payment_method=pm_card_visa capture_method=manual confirm=true
answers 400 code parameter_invalid_integer
post d2 $(payment 100 D2)
answers 200 status requires_capture
pi=$(field "$work/body" id)
post d3 "payment_intents/$pi/capture" amount_to_capture=500
answers 400 code amount_too_large
post d3 "payment_intents/$pi/capture" amount_to_capture=500
answers 400 code amount_too_large
grep -qi '^idempotent-replayed: true' "$work/head" || fail "a refusal of the ledger is not kept"
post - "payment_intents/$pi/capture" amount_to_capture=10 final_capture=false
post - "payment_intents/$pi/capture" amount_to_capture=10 final_capture=false
answers 200 amount_received 20
post "$(printf '%0256d' 0)" "payment_intents/$pi/cancel"
answers 400 type invalid_request_error
post 'two words' "payment_intents/$pi/cancel"
answers 400 type invalid_request_error
ok "one key, one request, one answer"

# ---- what is not a request -------------------------------------------------------------------------------
before=$(totals)
refuses() { # CODE PARAM PATH name=value...
    code=$1 param=$2
    shift 2
    post - "$@"
    answers 400 code "$code" param "$param"
}
good="currency=gbp payment_method=pm_card_visa capture_method=manual confirm=true"
refuses parameter_missing amount payment_intents $good
refuses parameter_missing confirm payment_intents amount=1 currency=gbp payment_method=pm_x capture_method=manual
refuses parameter_unknown colour payment_intents amount=1 $good colour=red
refuses parameter_unknown metadata payment_intents amount=1 $good metadata=x
refuses parameter_unknown 'amount currency' payment_intents $good 'amount currency=1'
for wrong in 0 -1 1.5 x '' 1000000000000 99999999999999999999; do
    refuses parameter_invalid_integer amount payment_intents "amount=$wrong" $good
done
refuses invalid_currency currency payment_intents amount=1 currency=GBP payment_method=pm_x capture_method=manual confirm=true
refuses resource_missing payment_method payment_intents amount=1 currency=gbp payment_method=4242424242424242 \
    capture_method=manual confirm=true
refuses '' confirm payment_intents amount=1 currency=gbp payment_method=pm_x capture_method=manual confirm=false
refuses '' capture_method payment_intents amount=1 currency=gbp payment_method=pm_x capture_method=automatic confirm=true
refuses '' final_capture "payment_intents/$pi/capture" final_capture=maybe
refuses '' reason refunds "payment_intent=$pi" reason=boredom
refuses '' reason refunds "payment_intent=$pi" 'reason=duplicate fraudulent'
get payment_intents/search "query=status:'succeeded'"
answers 400 param query
get payment_intents/search "query=metadata['key']:'open"
answers 400 param query
post - payment_intents amount=1 amount=2 $good
answers 400 type invalid_request_error
raw POST payment_intents 'amount=%zz'
answers 400
raw POST payment_intents 'amount=%00'
answers 400
raw POST payment_intents 'metadata[key]=%ff%fe'
answers 400
head -c 70000 /dev/zero | tr '\0' 'a' > "$work/long"
raw POST payment_intents "@$work/long"
answers 400
get payment_intents/pi_nothing
answers 404 code resource_missing
post - payment_intents/pi_nothing/capture
answers 404 code resource_missing
post - refunds payment_intent=pi_nothing
answers 404 code resource_missing
get "refunds/$pi"
answers 404 code resource_missing
get "payment_intents/$re"
answers 404 code resource_missing
get customers
answers 404
post - "payment_intents/$pi/explode"
answers 404
status=$(curl -s -o "$work/body" -w '%{http_code}' "http://127.0.0.1:$port/v1/payment_intents/$pi")
answers 401
[ "$(totals)" = "$before" ] || fail "a refusal changed the ledger: $before and $(totals)"
standin_stop
ok "bad requests are refused and change nothing"

# ---- faults of the way ---------------------------------------------------------------------------------------
standin_start --lose-before 1000
post e1 $(payment 100 E)
answers 000
ledger intents 0 lost_before 1 executed 0
standin_stop
ok "--lose-before: no answer, nothing done"

standin_start --lose-after 1000
for try in 1 2 3 4; do
    post f1 $(payment 100 F)
    answers 000
done
ledger intents 1 authorised_amount 100 lost_after 4 executed 1 replayed 3
standin_stop
ok "--lose-after: done once, never told"

standin_start --error 1000
post g1 $(payment 100 G)
answers 500 type api_error
post g1 $(payment 100 G)
answers 500 type api_error
grep -qi '^idempotent-replayed: true' "$work/head" || fail "a 500 is not kept"
ledger intents 1 authorised_amount 100 executed 1 errors 1
standin_stop
standin_start --error-before 1000
post g1 $(payment 100 G)
answers 500 type api_error
post g1 $(payment 100 G)
answers 500
ledger intents 0 errors_before 1 executed 0 replayed 1
standin_stop
ok "--error and --error-before: 500 for good, with and without the deed"

standin_start --delay 1000 --delay-ms 2500
post h1 $(payment 100 H) &
wait_for 'ledger executed 1'
mine=$work/mine
status=$(curl -s -o "$mine" -w '%{http_code}' -H "$bearer" -H 'Idempotency-Key: h1' -d amount=100 -d currency=gbp \
    -d payment_method=pm_card_visa -d capture_method=manual -d confirm=true -d 'metadata[key]=H' "$api/payment_intents")
[ "$status" = 409 ] && grep -q '"idempotency_key_in_use"' "$mine" || fail "a key in use answers $status"
wait $!
grep -q requires_capture "$work/body" || fail "the delayed answer did not come"
post h1 $(payment 100 H)
answers 200 status requires_capture
ledger intents 1 key_in_use 1 replayed 1
post h2 $(payment 100 H2) &
wait_for 'ledger executed 2'
begin=$(date +%s%N)
standin_stop # answers what is late, and goes
[ $((($(date +%s%N) - begin) / 1000000)) -lt 1000 ] || fail "stopping waits for delays"
wait $! || true
ok "--delay: done at once, told late, the key in use meanwhile"

standin_start --decline 1000
post i1 $(payment 100 I)
answers 402 code card_declined
standin_stop
standin_start --action 1000 --action-ms 50
post i1 $(payment 100 I)
answers 200 status requires_action
wait_for 'ledger authorised_amount 100'
standin_stop
standin_start --action 1000 --action-ms 50 --action-fail 1000
post i1 $(payment 100 I)
wait_for 'ledger declined 1'
standin_stop
ok "--decline, --action, --action-ms, --action-fail"

standin_start --search-lag-ms 600
intent j1 100 J
get payment_intents/search "query=metadata['key']:'J'"
answers 200 id ''
sleep 0.7
get payment_intents/search "query=metadata['key']:'J'"
answers 200 id "$pi"
standin_stop
ok "--search-lag-ms: not found at once"

standin_start --token secret --key-name order
status=$(curl -s -o "$work/body" -w '%{http_code}' -H 'Authorization: Bearer other' "$api/payment_intents/x")
answers 401
bearer='Authorization: Bearer secret'
post l1 payment_intents amount=5 $good 'metadata[order]=L' 'metadata[key]=other'
answers 200
[ "$(of_key L | grep -o '"authorised":5' | head -n 1)" ] || fail "--key-name is not used"
standin_stop
bearer='Authorization: Bearer any'
"$bin/psp-standin" --webhook http://192.0.2.1:80/ 2> "$work/err" && fail "--webhook leaves the machine"
"$bin/psp-standin" --decline 1001 2> "$work/err" && fail "a rate beyond 1000"
"$bin/psp-standin" --bogus 1 2> "$work/err" && fail "an unknown option"
ok "--token, --key-name, wrong options"

# ---- the seed -----------------------------------------------------------------------------------------------
fates() { # SEED KEY...: which keys are declined or lost
    standin_start --seed "$1" --decline 300 --lose-before 200
    shift
    for key in "$@"; do
        post "$key" $(payment 100 "$key")
        echo "$key $status"
    done | sort > "$work/fates"
    standin_stop
}
keys=$(awk 'BEGIN { for (i = 1; i <= 120; i++) print "key" i }')
fates 5 $keys
mv "$work/fates" "$work/fates.1"
fates 5 $(echo "$keys" | sort -r)
cmp -s "$work/fates" "$work/fates.1" || fail "the same seed has other fates in another order"
fates 6 $keys
cmp -s "$work/fates" "$work/fates.1" && fail "another seed has the same fates"
lost=$(grep -c ' 000' "$work/fates") declined=$(grep -c ' 402' "$work/fates")
[ "$lost" -ge 8 ] && [ "$lost" -le 44 ] || fail "$lost of 120 lost at 200 per mille"
[ "$declined" -ge 12 ] && [ "$declined" -le 50 ] || fail "$declined of 120 declined at 300 of 800 per mille"
ok "a seed decides per key, whatever the order ($lost lost, $declined declined of 120)"

# ---- webhooks --------------------------------------------------------------------------------------------------
sink_start 3
standin_start --webhook "http://127.0.0.1:$sink/events"
intent m1 100 M1
post m2 "payment_intents/$pi/capture"
post m3 refunds "payment_intent=$pi" amount=40
intent m4 100 M4
post m5 "payment_intents/$pi/cancel"
post m6 $(payment 100 M6 pm_card_chargeDeclined)
post m7 $(payment 100 M7 pm_card_authenticationRequired)
post m8 "test_helpers/payment_intents/$(field "$work/body" id)/finish_action" outcome=failed
wait_for 'ledger events 7 pending 0 delivered 7 failed 3'
types | sort > "$work/got"
cat > "$work/wanted" << 'EOF'
charge.captured m2
charge.refunded m3
payment_intent.amount_capturable_updated m1
payment_intent.amount_capturable_updated m4
payment_intent.canceled m5
payment_intent.payment_failed m6
payment_intent.payment_failed m8
EOF
diff "$work/wanted" "$work/got" >&2 || fail "not these events"
grep '"type":"charge.refunded"' "$work/events" > "$work/body"
shows object event amount_captured 100 amount_refunded 40 key M1
grep '"type":"payment_intent.canceled"' "$work/events" > "$work/body"
shows status canceled key M4
standin_stop
sink_stop
ok "an event for each change, again until it is taken"

sink_start 0
standin_start --webhook "http://127.0.0.1:$sink/events"
for i in 1 2 3 4 5 6 7 8 9 10; do post "n$i" $(payment 100 "N$i"); done
wait_for 'ledger pending 0 delivered 10'
ids > "$work/got"
sort -c "$work/got" || fail "without faults, events are out of order"
standin_stop
sink_stop
sink_start 0
standin_start --webhook "http://127.0.0.1:$sink/events" --reorder-webhook 500 --duplicate-webhook 300 --late-ms 300
for i in $(seq 1 40); do post "n$i" $(payment 100 "N$i"); done
wait_for 'ledger pending 0 events 40'
duplicated=$(field "$work/body" duplicated) reordered=$(field "$work/body" reordered)
ids > "$work/got"
[ "$(sort -u "$work/got" | wc -l)" = 40 ] || fail "an event is lost"
[ "$(wc -l < "$work/got")" = $((40 + duplicated)) ] || fail "not $duplicated duplicates"
awk '!seen[$0]++' "$work/got" > "$work/first"
sort -c "$work/first" 2> /dev/null && fail "nothing was reordered"
[ "$duplicated" -gt 3 ] && [ "$reordered" -gt 8 ] || fail "$duplicated duplicates, $reordered late ones"
standin_stop
sink_stop
ok "--duplicate-webhook, --reorder-webhook ($duplicated twice, $reordered late of 40)"

# ---- nobody is charged twice ---------------------------------------------------------------------------------------
# A worker that repeats under the same key until it is answered, eight at a time.
standin_start --seed 9 --lose-before 150 --lose-after 150 --delay 100 --delay-ms 40 --decline 50
seq 1 48 | PORT=$port xargs -P 8 -n 1 sh "$here/standin_pay.sh" good
ledger charged_twice 0
paid=$(field "$work/body" captures) lost=$(field "$work/body" lost_after)
[ "$paid" -gt 35 ] && [ "$lost" -gt 5 ] || fail "only $paid payments, $lost answers lost"
[ "$(field "$work/body" captured_amount)" = $((paid * 100)) ] || fail "not 100 each"
# One that begins anew whenever an answer is lost must be seen.
seq 101 124 | PORT=$port xargs -P 8 -n 1 sh "$here/standin_pay.sh" careless
get_ledger
twice=$(field "$work/body" charged_twice)
[ "$twice" -gt 0 ] || fail "a worker that charges twice is not seen"
standin_stop
ok "the ledger tells a good worker ($paid paid, $lost answers lost) from a bad one ($twice charged twice)"
echo "standin-check: passed"
