#!/bin/sh
# cli: every verb of the command line once, with its exit code and what it prints.
#
#     cli.sh BUILD
#
# SPDX-License-Identifier: Apache-2.0
set -eu
build=$1
. "$(dirname "$0")/server.sh"

. "$(dirname "$0")/expect.sh"
patient

# ---- without a server ----
expect 3 ping
says "soukd DIR"
says "$work/socket"
expect 3 --json stock get A
expect 0 --version
expect 0 help
expect 0 help stock
expect 0 help --man
expect 0 completion bash
expect 2 bogus
expect 2 stock
expect 2 take A
expect 2 take A 0
expect 2 take A 1.5
expect 2 take A 1 --id xyz
expect 2 hold A 1 --lease 0s
expect 2 hold A 1 --lease 400d
expect 2 hold confirm A
expect 2 stock receive A -1
expect 2 stock adjust A 0
expect 2 sku put A --price 2.555
expect 2 sku put A --currency XXX
expect 2 sku put A --if-version 0
expect 2 product put A --price 3
expect 2 product put A --attr noequals
expect 2 product patch A
expect 2 replay other-format file
expect 2 replay online-retail "$work/no such file"
printf 'a,b\n1,2\n' > "$work/bad.csv"
expect 2 replay online-retail "$work/bad.csv"
says "bad.csv:1:1"

# The man page's verbs are those of the table.
page="$(dirname "$0")/../../docs/man/souk.1"
"$souk" help --man > "$work/verbs"
sed -n '/generated: begin/,/generated: end/p' "$page" | sed '1d;$d' | cmp -s - "$work/verbs" ||
    fail "docs/man/souk.1 is not current: put the output of souk help --man between its marks"

# ---- with one ----
server_start --shards 2
expect 0 ping
expect 0 hello
expect 0 --json info
expect 0 --json stats
expect 0 info
expect 0 stats
expect 0 --json session open
expect 0 --json product put P1 --title "Lamp, red" --brand B --category home/lighting \
    --attr colour=red --attr size=2 --price 2.55 --currency GBP
shows version 1
expect 1 product put P1 --title X --if-version absent
says VERSION_CONFLICT
expect 0 --json product patch P1 --title "Lamp" --if-version 1
shows version 2
expect 0 --json product get P1
shows title Lamp
shows price_minor 255
shows colour red
expect 0 --json product delete P1 --if-version 2
expect 1 product get P1
says NOT_FOUND

expect 1 stock receive A 5
says NOT_FOUND
expect 0 --json sku put A --product P1 --price 2.55 --currency GBP --safety 1 --oversell 2 --lease 600s
expect 0 --json stock receive A 10
shows on_hand 10
shows sellable 11
expect 0 --json stock adjust A -3 --reason 7
shows on_hand 7
expect 1 stock adjust A -8
says BELOW_ZERO
expect 0 --json stock set A 20 --expected 7
expect 1 --json stock set A 20 --expected 7
shows status COMPARE_FAILED
shows on_hand 20
expect 0 --json take A 2
shows sellable 19
id=0123456789abcdef0123456789abcdef
expect 1 take A 1 --id $id # its time is in 2009
says TOO_OLD
expect 0 --json take A 3 --id new --owner bob
named=$(field "$work/out" token)
expect 0 --json take A 3 --id "${named#*@}" --owner bob
shows replayed true
expect 1 take A 4 --id "${named#*@}" --owner bob
says ID_MISMATCH
expect 1 --json take A 100
shows status SOLD_OUT
says "stop asking"

expect 0 hold A 4 --lease 600s --owner bob
token=$(cat "$work/out")
case $token in A@????????????????????????????????) ;; *) fail "hold prints \"$token\"" ;; esac
expect 0 --json hold get "$token"
shows state held
shows held 4
expect 1 --json take A 14
shows status ALL_HELD
expect 0 hold extend "$token" --lease 700s
expect 1 hold confirm "$token" --owner alice
says OWNER_MISMATCH
expect 0 --json hold confirm "$token" --quantity 3
shows allocated 3
shows released 1
expect 1 hold release "$token"
says INVALID_STATE
expect 0 hold A 1 --owner bob
second=$(cat "$work/out")
expect 0 --json hold bind "$second" --order new
order=$(field "$work/out" order)
expect 1 hold release "$second"
says BOUND_TO_OTHER
expect 0 --json hold release "$second" --order "$order"
shows released 1
expect 0 hold A 1 --owner bob
third=$(cat "$work/out")
expect 0 hold A 2 --owner bob --replaces "$third"
expect 0 hold release "$(cat "$work/out")"

expect 0 --json alloc ship A 2
shows on_hand 18
expect 1 alloc ship A 1
says EXCEEDS
expect 0 --json alloc ship "$token" 2
shows on_hand 16
shows code A
expect 0 --json alloc ship "$token" 2
shows replayed true
expect 0 --json alloc cancel "$token" 1
expect 0 --json alloc return "$token" 1 --damaged
shows on_hand 17
shows unavailable 1
expect 0 --json alloc return A 2
shows on_hand 19
expect 0 --json stock write-off A 1
shows on_hand 18
shows unavailable 0
expect 0 --json sku get A
shows written_off 1
shows lease_default_ms 600000
expect 0 --json stock get A
for name in code on_hand unavailable held allocated sellable; do
    [ -n "$(field "$work/out" $name)" ] || fail "stock get lacks $name"
done
expect 1 --json stock get A NOWHERE
[ "$(wc -l < "$work/out")" = 2 ] || fail "stock get of two codes prints two lines"
expect 0 watch A --count 2 --interval 10ms
expect 0 --json verify
shows sound true
expect 0 verify

# ---- carts, prices, orders: arguments ----
expect 2 cart add alice A
expect 2 cart add guest: A 1
expect 2 cart get ""
expect 2 cart merge guest:g alice --strategy best
expect 2 price put LIST A
expect 2 promotion put P --percent 101
expect 2 promotion put P --fixed 5
expect 2 policy put
expect 2 checkout alice
expect 2 checkout alice --cart --line A=1
expect 2 order 2DM4
says "check"
expect 2 order resolve 1ADW-Y1Q7-AEBW-3G36-VPVA-M01F-QF9 retry
expect 2 orders alice --state lost
expect 2 command ack KEY 1
expect 2 payment event 1ADW-Y1Q7-AEBW-3G36-VPVA-M01F-QF9 paid
expect 2 psp-sim --decline 101
expect 1 order 1ADW-Y1Q7-AEBW-3G36-VPVA-M01F-QF9
says NOT_FOUND

# ---- carts and prices ----
for sku in X Y; do
    expect 0 sku put $sku --price 10.00
    expect 0 stock receive $sku 50
done
expect 0 --json cart add alice X 2 --price 9.00 --currency GBP
shows quantity 2
shows version 1
expect 1 cart add alice X 1 --if-version 7
says VERSION_CONFLICT
expect 0 --json cart set alice Y 3 --options red
shows line_count 2
expect 0 cart save alice Y --options red
expect 0 cart save alice Y --options red --back
expect 1 cart remove alice Y
says NOT_FOUND
expect 0 cart add guest:g X 1
expect 0 --json cart merge guest:g alice
shows state merged
expect 0 --json cart merge guest:g alice
shows replayed true
expect 0 --json cart get alice
shows quantity 3
shows total 3000
grep -q 'price changed' "$work/out" || fail "cart get tells of no changed price"
expect 0 --json price list SALE --priority 5
shows pending 0
expect 0 --json price put SALE X 8.00 10=7.00
expect 0 --json price get SALE
shows price_count 1
expect 0 --json price get SALE X
shows price 800
expect 1 price put NOLIST X 1
expect 0 --json promotion put TEN --percent 10 --coupon TEN --limited
expect 0 --json promotion get TEN
shows kind percent
shows value 1000
expect 0 --json coupon put TEN --uses 5
shows left 5
expect 0 cart coupon alice TEN
expect 0 --json policy put --unpaid 30m
expect 0 --json policy get
shows unpaid_ms 1800000
expect 0 policy get
expect 0 --json gift-card put CARD --amount 10.00
shows left 1000
expect 2 gift-card put CARD --amount 1 --currency EUR
expect 0 --json credit put alice --amount 5.00
shows left 500
expect 0 cart get alice

# ---- an order by hand: from checkout to the refund of a return ----
expect 1 checkout alice --cart --total 1.00 --card tok
says PRICE_CHANGED
expect 0 --json checkout alice --cart --gift-card CARD=10 --credit alice=5 --card tok --wait 1s
shows state AUTHORIZING
order=$(field "$work/out" order)
expect 1 --json cart add alice X 1
shows status CART_FROZEN
shows order "$order"
expect 0 --json stuck
shows order "$order"
expect 0 --json command wait
shows ready 1
expect 0 --json command poll --kind authorize
key=$(field "$work/out" key) lease=$(field "$work/out" lease)
expect 0 --json command nack "$key" "$lease" --delay 1ms --reason 3
expect 1 command ack "$key" "$lease"
says LEASE_LOST
expect 0 --json command poll --wait 5s
lease=$(field "$work/out" lease)
expect 0 command ack "$key" "$lease"
expect 1 command poll
says NONE_READY
expect 0 --json payment event "$key" authorized --amount 33.60 --reference pi_1
shows effect applied
expect 0 --json payment event "$key" authorized --amount 33.60 --reference pi_1
shows replayed true
expect 1 checkout cancel "$order"
says ALREADY_PLACED
expect 0 --json payment find pi_1
shows order "$order"
expect 1 payment find pi_2
expect 0 --json command list --state ready
key=$(field "$work/out" key)
expect 0 --json payment event "$key" captured --amount 33.60 --reference ch_1
shows state PAID
expect 0 --json checkout status "$order" --wait 5s
shows is_settled true
expect 1 checkout status "$order" --user bob
says FORBIDDEN
expect 0 --json coupon get TEN
shows spent 1
expect 0 --json orders alice --state paid --since 1h
shows order "$order"
expect 0 orders alice
expect 0 --json parcel plan "$order" 1 --line 0=2
expect 0 parcel cancel "$order" 1
expect 0 --json parcel plan "$order" 2
expect 0 --json parcel ship "$order" 2 --carrier DHL --tracking JD1
expect 1 order cancel "$order"
says ALREADY_SHIPPED
wait_delivered() {
    tries=0
    until "$souk" parcel deliver "$order" 2 > "$work/out" 2> "$work/err"; do
        tries=$((tries + 1))
        [ "$tries" -lt 1200 ] || { cat "$work/err" >&2; fail "the parcel does not leave"; }
        sleep 0.05
    done
}
wait_delivered
expect 0 --json return open "$order" 1 --line 0=1 --reason 2
expect 0 return open "$order" 2 --line 0=1
expect 0 return reject "$order" 2
expect 0 return approve "$order" 1
expect 0 return receive "$order" 1 --line 0=1:1
expect 0 --json return refund "$order" 1 --amount 2.00
shows refund 200
expect 0 --json payment get "$order"
shows state REFUND_PENDING
expect 0 --json command list
key=$(grep '"kind":"refund"' "$work/out" | sed 's/.*"key":"\([^"]*\)".*/\1/')
expect 0 --json payment event "$key" refunded --amount 2.00 --reference re_1
shows refunded 200
expect 1 payment refund "$order" 999.00
says EXCEEDS
expect 0 --json order "$order"
shows summary DELIVERED
expect 0 order "$order"
grep -q '^DELIVERED' "$work/out" || fail "order prints no summary"
expect 0 order "$order" --events
for words in 'ordered for 48.60 GBP' 'is now PAID' 'parcel 2 shipped (JD1)' 'return 1 refunded: 2.00 GBP' '2.00 GBP refunded (re_1)'; do
    grep -qF "$words" "$work/out" || { cat "$work/out" >&2; fail "the story does not say: $words"; }
done
expect 1 order resolve "$order" retry --actor eve --reason "no reason"

# ---- other ends ----
expect 1 --json checkout bob --line X=1000 --total 8000.00 --card tok
shows reason OUT_OF_STOCK
expect 0 --json checkout guest:h --line X=1@1.00:gift --card tok --capture ship --wait 1s
guest=$(field "$work/out" order)
expect 0 --json checkout cancel "$guest" --reason fraud
expect 0 order attach "$guest" carol
expect 0 --json checkout dave --line X=1@0:present
shows state PAID
expect 0 cart clear alice

# ---- a provider that is simulated ----
"$souk" --json psp-sim --seed 5 --decline 10 --action 10 --lost 20 --no-answer 10 --duplicate 20 --reorder 20 \
    --lease 200ms > "$work/sim" 2> "$work/err" &
client_pid=$!
i=0
while [ "$i" -lt 40 ]; do echo "checkout shopper$i --line X=1@1.00:test --card tok --wait 1ms"; i=$((i + 1)); done |
    "$souk" repl > /dev/null 2>&1 || true # some are declined
tries=0
until "$souk" --json stuck > "$work/out" && [ ! -s "$work/out" ]; do
    tries=$((tries + 1))
    [ "$tries" -lt 1200 ] || { cat "$work/out" >&2; fail "orders that do not end"; }
    sleep 0.1
done
kill -TERM "$client_pid"
wait "$client_pid" || { cat "$work/sim" "$work/err" >&2; fail "psp-sim ends with $?"; }
client_pid=
cp "$work/sim" "$work/out"
shows sound true
shows charged_twice 0
[ "$(field "$work/sim" captures)" -gt 10 ] && [ "$(field "$work/sim" answers_lost)" -gt 0 ] || fail "psp-sim did too little"
expect 0 --json psp-sim --once
shows commands 0

# ---- a pipe ----
printf '# comment\nstock get A\nbogus\nsouk --bad\nping\n' | "$souk" repl > "$work/out" 2> "$work/err" && fail "repl hides errors"
grep -q '^microseconds' "$work/out" || fail "repl stops at an error"
grep -q '^A ' "$work/out" || fail "repl prints no levels"

# ---- the replay's journal ----
"$souk" generate online-retail --seed 3 --lines 5000 --skus 100 > "$work/shop.csv"
"$souk" generate online-retail --seed 3 --lines 5000 --skus 100 | cmp -s - "$work/shop.csv" || fail "a seed is not a seed"
expect 0 --json replay online-retail "$work/shop.csv" --as takes --stock 0.5 --resume "$work/journal" --stop-after 2000
expect 2 replay online-retail "$work/shop.csv" --as takes --stock 0.6 --resume "$work/journal"
says "another --stock"
expect 0 --json replay online-retail "$work/shop.csv" --as takes --stock 0.5 --resume "$work/journal"
shows resumed true
shows lines_done 5000
shows books_wrong 0
printf x | dd of="$work/journal" bs=1 seek=700 conv=notrunc 2> /dev/null
expect 2 replay online-retail "$work/shop.csv" --as takes --stock 0.5 --resume "$work/journal"
says damaged
"$souk" --json replay online-retail - --as takes < "$work/shop.csv" > "$work/out" 2> "$work/err" || fail "replay from a pipe"

# ---- and as orders ----
expect 2 replay online-retail "$work/shop.csv" --as gifts
expect 2 replay online-retail "$work/shop.csv" --psp crooked
expect 2 replay online-retail "$work/shop.csv" --as takes --per-invoice "$work/invoices"
expect 2 replay online-retail "$work/shop.csv" --stock 0.5 --resume "$work/journal"
says damaged
rm "$work/journal"
expect 0 --json replay online-retail "$work/shop.csv" --stock 0.5 --resume "$work/journal" --stop-after 2000 --clients 8
shows stuck 0
expect 2 replay online-retail "$work/shop.csv" --as takes --stock 0.5 --resume "$work/journal" --clients 8
says "as orders"
expect 0 --json replay online-retail "$work/shop.csv" --stock 0.5 --resume "$work/journal" --clients 8 \
    --per-invoice "$work/invoices" --per-line "$work/lines" --per-sku "$work/skus"
shows resumed true
shows lines_done 5000
shows orders_wrong 0
shows stuck 0
[ "$(grep -c '^order,' "$work/invoices")" = "$(field "$work/out" orders)" ] || fail "an order is missing"
before=$(field "$work/out" captured_minor)
# Everything is done: another time asks for nothing and finds the same.
expect 0 --json replay online-retail "$work/shop.csv" --stock 0.5 --resume "$work/journal" --clients 8
shows captured_minor "$before"
shows calls 0
expect 0 replay online-retail "$work/shop.csv" --stock 0.5 --clients 8
sed '2s/[^,]*,/9,/; 3s/[^,]*,\(.*\),[^,]*,/9,\1,77777.0,/' "$work/shop.csv" > "$work/bad.csv"
expect 2 replay online-retail "$work/bad.csv"
says "invoice 9 has another customer"

# ---- reviews ----
expect 0 product put RV1 --title "Lamp with reviews"
expect 0 --json review put RV1 alice 4 --title "Good light" --body "Warm.
And bright." --if-version absent
shows version 1
shows state pending
expect 0 --json review put RV1 alice 4 --title "Good light" --body "Warm.
And bright." --if-version absent
shows replayed true
expect 1 review put RV1 alice 5 --if-version absent
says VERSION_CONFLICT
expect 1 review put NOSUCH alice 5
says NOT_FOUND
expect 2 review put RV1 alice 6
expect 2 review put RV1 alice
expect 0 --json review queue
shows total 1
expect 0 review queue
grep -q "Good light" "$work/out" || fail "the queue lacks a review"
expect 0 --json review moderate RV1 alice approved --actor mod --reason 3
shows rating_count 1
shows rating_sum 4
expect 1 review moderate RV1 alice approved --actor another
says INVALID_STATE
expect 2 review moderate RV1 alice gone
expect 0 --json review vote RV1 alice bob helpful
shows helpful 1
expect 1 review vote RV1 alice alice helpful
says SELF_VOTE
expect 2 review vote RV1 alice bob perhaps
expect 0 --json review reply RV1 alice "Thank you" --actor shop
shows version 3
expect 2 review reply RV1 alice
expect 2 review reply RV1 alice "Thank you" --remove
expect 0 --json review put RV1 bob 1 --body "Broken"
expect 0 review moderate RV1 bob approved
expect 0 --json review list RV1 --limit 1 --sort best
shows total 2
next=$(field "$work/out" next)
expect 0 --json review list RV1 --limit 1 --sort best --after "$next"
grep -q Broken "$work/out" || fail "the second page lacks the second review"
grep -q '"next"' "$work/out" && fail "the last page has another"
expect 0 review list RV1 --sort helpful --stars 4 --stars 5
grep -q "helpful to 1 of 1" "$work/out" || fail "a list lacks votes"
grep -q "reply: Thank you" "$work/out" || fail "a list lacks the reply"
expect 0 --json review list RV1 --verified --state approved
shows total 0
expect 2 review list RV1 --after nonsense
expect 2 review list RV1 --sort random
expect 0 --json rating RV1
shows average 2.50
shows stars4 1
expect 0 rating RV1
expect 1 rating NOSUCH
expect 0 --json review put RV1 alice 5 --title "Better still"
expect 0 --json review get RV1 alice
shows stars 5
shows reply "Thank you"
grep -q '"Good light"' "$work/out" || fail "an edit is missing"
expect 0 review get RV1 alice
expect 0 --json review policy
shows moderated yes
expect 0 review policy --moderated no --per-day 100
expect 0 --json review policy
shows moderated no
shows needs_purchase no
shows per_day 100
expect 2 review policy --moderated perhaps
expect 0 --json review put RV1 carol 3
shows state approved
expect 0 review policy --needs-purchase yes
expect 1 review put RV1 dave 3
says NOT_PURCHASED
expect 0 review policy --needs-purchase no --moderated yes --per-day 20
expect 0 --json review delete RV1 carol
shows state none
expect 1 review delete RV1 carol
says NOT_FOUND
expect 0 --json review erase alice
shows reviews 1
shows votes 1
expect 1 review get RV1 alice
says NOT_FOUND
expect 0 --json review erase bob
shows votes 0
expect 0 verify

# ---- recommendations ----
for thing in RC1 RC2 RC3; do
    expect 0 product put $thing --title "Thing $thing" --category things --price 0 --currency GBP
    expect 0 sku put $thing --product $thing --price 0 --currency GBP
    expect 0 stock receive $thing 10
done
expect 0 product put RC4 --title "Thing RC4 sold out" --category things
expect 0 checkout rita --line RC1=1@0 --line RC2=1@0 --currency GBP --wait 2s
# The shards of the products hear of the order a moment after it was paid.
tries=0
expect 0 --json related RC1 --strict
until grep -q '"RC2"' "$work/out"; do
    tries=$((tries + 1))
    [ "$tries" -lt 1200 ] || fail "what was bought together is not related"
    sleep 0.05
    expect 0 --json related RC1 --strict
done
grep -q '"bought with"' "$work/out" || fail "a recommendation has no reason"
expect 0 --json related RC1 --strict --without RC2
grep -q '"RC2"' "$work/out" && fail "what is left out is there"
expect 0 related RC1
expect 0 --json related RC1 --kind similar --strict
grep -q '"RC3"' "$work/out" || fail "a thing is not like the others"
grep -q '"RC4"' "$work/out" && fail "what is sold out is recommended"
expect 0 --json recommend RC1 RC2 --limit 100
grep -q '"RC3"' "$work/out" || fail "a cart gets nothing"
grep -q '"RC1"' "$work/out" && fail "what is in the cart is recommended"
expect 0 recommend RC1 --strict
expect 0 track rita RC1
expect 0 --json track rita RC3 --kind view
shows kind view
expect 0 track rita RC2 --kind click
expect 1 track rita NOSUCH
says NOT_FOUND
expect 0 --json related RC1 --kind viewed --strict
grep -q '"RC3"' "$work/out" || fail "what was viewed together is not related"
expect 0 --json recommend --user rita --limit 5
grep -q '"RC3"' "$work/out" && fail "what was viewed is recommended"
expect 0 --json trending --category things --limit 3
grep -q '"trending in category"' "$work/out" || fail "nothing is trending"
expect 0 trending
expect 0 --json viewed rita
grep -q '"RC3"' "$work/out" || fail "what was viewed is not told"
grep -q '"RC2"' "$work/out" && fail "a click is a view"
expect 0 viewed rita --limit 1 --forget
expect 0 viewed rita
grep -q nothing "$work/out" || fail "what was viewed is not forgotten"
expect 2 related RC1 --kind odd
expect 2 related RC1 --limit 101
expect 2 trending --limit 0
expect 2 recommend --without ""
expect 0 verify

# ---- a server that goes away ----
server_end TERM
expect 3 verify
rm "$work/journal"
expect 3 replay online-retail "$work/shop.csv" --resume "$work/journal"
say "cli-check: $checks command lines, all as expected"
