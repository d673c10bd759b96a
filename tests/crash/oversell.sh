#!/bin/sh
# oversell: one SKU, 64 clients, at least twice as many buyers as units, connections cut between
# request and reply and requests sent again: exactly as many units are granted as there are.
#
#     oversell.sh BUILD [ROUNDS [SEED]]
#
# A round is one sale with a stock of 1, of 2, of 100 and of 10,000. After each, `souk flash-sale` has
# found granted = allocated = distinct ids = stock. The run fails if no answer came from the server's
# memory, since then nothing was tested that a cut could have broken.
#
# SPDX-License-Identifier: Apache-2.0
set -eu
build=$1
rounds=${2:-5}
seed=${3:-$(od -An -N3 -tu4 /dev/urandom | tr -d ' ')}
. "$(dirname "$0")/../replay/server.sh"

clients=64
server_start --shards 2
say "oversell: $rounds rounds of 4 sales, $clients clients, seed $seed"
all_replayed=0 all_cuts=0 all_connects=0 sales=0
round=0
while [ "$round" -lt "$rounds" ]; do
    round=$((round + 1))
    for stock in 1 2 100 10000; do
        demand=$((stock * 2))
        # A handful of requests would hardly meet a cut: at least ten for every client.
        [ "$demand" -ge 640 ] || demand=640
        "$souk" --json flash-sale "SALE-$round-$stock" --stock $stock --demand $demand \
            --clients $clients --cuts 10 --seed $((seed + round)) > "$work/sale.json" 2> "$work/sale.log" || {
            cat "$work/sale.log" "$work/sale.json" >&2
            fail "round $round, stock $stock, seed $seed"
        }
        for name in granted allocated distinct_ids; do
            [ "$(field "$work/sale.json" $name)" = "$stock" ] ||
                fail "round $round: $name is $(field "$work/sale.json" $name) of $stock"
        done
        [ "$(field "$work/sale.json" sellable)" = 0 ] || fail "round $round: something is left of $stock"
        cuts=$(field "$work/sale.json" cuts) connects=$(field "$work/sale.json" connects)
        [ $((cuts * 10)) -ge "$connects" ] || fail "round $round: only $cuts cuts of $connects connections"
        all_replayed=$((all_replayed + $(field "$work/sale.json" replayed)))
        all_cuts=$((all_cuts + cuts)) all_connects=$((all_connects + connects)) sales=$((sales + 1))
    done
done
[ "$all_replayed" -gt 0 ] || fail "no replayed answer was seen: the cuts did not hit"
"$souk" --json verify > "$work/verify.json" || fail "verify"
before=$(grep -o '"digest":"[0-9a-f]*"' "$work/verify.json")
server_end KILL
server_start
"$souk" --json verify > "$work/verify.json" || fail "verify after a kill"
[ "$(grep -o '"digest":"[0-9a-f]*"' "$work/verify.json")" = "$before" ] || fail "another digest after a kill"
say "oversell: $sales sales, none oversold; $all_cuts cuts over $all_connects connections," \
    "$all_replayed replayed answers; digests equal after a kill"
