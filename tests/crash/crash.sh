#!/bin/sh
# crash: kill -9 in the middle of a replay, again and again, and nothing is lost or done twice.
#
#     crash.sh BUILD [ROUNDS [SEED [FILE]]]
#
# First the sales are replayed without interruption. Then once more, and at ROUNDS moments, drawn from
# SEED as positions in the client's journal, the server, or server and client, are killed. Each time:
#
#   - the kill landed under load: the journal had grown since the look before, and frames were
#     without an answer
#   - after the restart the server has at least what had been acknowledged, and at most that and
#     what was on its way: the units received, shipped, returned and adjusted
#   - the digests after this replay of the log are those after the next one: the server is killed
#     again without traffic, or stopped cleanly, and started again
#
# In the end every SKU's levels and sums equal those of the uninterrupted run.
#
# SPDX-License-Identifier: Apache-2.0
set -eu
build=$1
rounds=${2:-20}
seed=${3:-$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}
. "$(dirname "$0")/../replay/server.sh"

file=${4:-${SOUK_DATA:-}/online-retail-2010-12-to-2011-08.csv.xz}
if [ ! -r "$file" ]; then
    say "the real sales are not there ($file): a generated shop instead"
    file="$work/shop.csv"
    "$souk" generate online-retail --seed 11 --lines 250000 --skus 2000 > "$file"
fi
case $file in *.xz) xz -dc -- "$file" > "$work/sales.csv"; file="$work/sales.csv" ;; esac
say "crash: $rounds rounds, seed $seed"

replay() { # replay JOURNAL OUT: exec, so that a kill of the job kills the client itself
    exec "$souk" --json replay online-retail "$file" --as takes --stock 0.8 --clients 4 --batch 64 \
        --resume "$1" --retry-seconds 120 --per-sku "$work/skus.csv" > "$2" 2>> "$work/client.log"
}
all_skus() { # levels and sums of every SKU, sorted
    cut -d, -f1 "$work/skus.csv" | tail -n +2 | xargs -n 900 "$souk" --json sku get | LC_ALL=C sort
}
digests() { "$souk" --json verify > "$work/verify.json" || fail "verify: $(cat "$work/verify.json")"
    grep -o '"digest":"[0-9a-f]*"' "$work/verify.json"; }

# ---- the run that nobody disturbs ----
server_start --shards 2
(replay "$work/journal.calm" "$work/calm.json") || { cat "$work/client.log" >&2; fail "the calm replay"; }
all_skus > "$work/calm.skus"
before=$(digests)
server_end TERM
server_start
[ "$(digests)" = "$before" ] || fail "a clean stop changed the digest"
server_end KILL
server_start
[ "$(digests)" = "$before" ] || fail "a kill without traffic changed the digest"
server_end TERM
rm -rf "$work/data"
total=$(stat -c %s "$work/journal.calm")

# ---- the run that is disturbed ----
# One line per round: journal bytes, who is killed, how the server is restarted once more.
awk -v seed="$seed" -v rounds="$rounds" -v total="$total" 'BEGIN {
    srand(seed % 2147483647) # beyond it some awks draw the same few numbers over and over
    for (i = 0; i < rounds; i++) {
        dice = rand()
        printf "%d %s %s\n", total * (0.03 + 0.92 * (i + rand()) / rounds),
               dice < 0.6 ? "server" : "both", rand() < 0.7 ? "KILL" : "TERM"
    }
}' > "$work/plan"

# What the journal says was acknowledged, and what was on its way: "steps in_flight" and per step the
# units. A line of the journal that was being written does not count.
tally() {
    awk '
    !/ #[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]$/ { next }
    $1 == ">" { lane[$2] = $0; step[$2] = $4 }
    $1 == "<" {
        count = split(lane[$2], asked, " ")
        for (i = 5; i < count; i++) {
            split(asked[i], item, ":"); split($(i - 1), answer, ":")
            if (answer[1] == 0) done[step[$2]] += item[2]
        }
        delete lane[$2]
    }
    END {
        for (l in lane) {
            flying++; count = split(lane[l], asked, " ")
            for (i = 5; i < count; i++) { split(asked[i], item, ":"); fly[step[l]] += item[2] }
        }
        printf "in_flight=%d\n", flying
        for (s = 3; s <= 7; s++) printf "done_%d=%.0f fly_%d=%.0f\n", s, done[s], s, fly[s]
    }' "$work/journal"
}

# between NAME SIGN STEP: acknowledged <= the server's sum <= acknowledged + on its way.
between() {
    has=$(field "$work/verify.json" "$1")
    has=$((has * $2))
    eval "least=\$done_$3 most=\$((done_$3 + fly_$3))"
    [ "$has" -ge "$least" ] && [ "$has" -le "$most" ] ||
        fail "round $round: $1 is $has, and $least were acknowledged, $((most - least)) on their way"
}

start_client() {
    (replay "$work/journal" "$work/result.json") &
    client_pid=$!
}

server_start --shards 2
: > "$work/journal"
start_client
round=0
while read -r point whom again <&3; do
    round=$((round + 1))
    size=$(stat -c %s "$work/journal") last=0
    # Under load: the journal reaches the point while it grows.
    while [ "$size" -lt "$point" ] || [ "$size" -le "$last" ]; do
        kill -0 "$client_pid" 2> /dev/null || { cat "$work/client.log" >&2; fail "round $round: the client is gone"; }
        last=$size
        size=$(stat -c %s "$work/journal")
    done
    case $whom in
    server) kill -9 "$server_pid"; kill -STOP "$client_pid" ;;
    both)   kill -9 "$server_pid" "$client_pid" ;;
    esac
    wait "$server_pid" 2> /dev/null || true
    server_pid=
    [ "$whom" = server ] || wait "$client_pid" 2> /dev/null || true
    eval "$(tally)"
    [ "$in_flight" -gt 0 ] || fail "round $round: nothing was in flight"
    server_start
    # What a killed client had on its way may still be executed: wait until nothing changes.
    before= now=$(digests)
    until [ "$now" = "$before" ]; do before=$now; sleep 0.1; now=$(digests); done
    between received 1 3
    between shipped 1 5
    between returned 1 6
    between adjusted -1 7
    server_end "$again"
    server_start
    [ "$(digests)" = "$before" ] || fail "round $round: another digest after another start ($again)"
    say "round $round: $whom killed at $size of $total bytes, $in_flight frames in flight," \
        "$done_5 units shipped; sums and digests agree ($again)"
    if [ "$whom" = server ]; then kill -CONT "$client_pid"; else start_client; fi
done 3< "$work/plan"

wait "$client_pid" || { cat "$work/client.log" >&2; fail "the replay did not end well"; }
client_pid=
all_skus > "$work/crash.skus"
cmp -s "$work/calm.skus" "$work/crash.skus" || {
    diff "$work/calm.skus" "$work/crash.skus" | head -n 6 >&2
    fail "SKUs differ from the uninterrupted run"
}
for name in sold_units revenue_minor refused_units returned_units adjusted_units lines_done; do
    [ "$(field "$work/result.json" $name)" = "$(field "$work/calm.json" $name)" ] || fail "$name differs"
done
[ "$(field "$work/result.json" books_wrong)" = 0 ] || fail "the books differ"
say "crash: $rounds kills, $(wc -l < "$work/calm.skus") SKUs as in the uninterrupted run;" \
    "$(field "$work/result.json" stored_answers) frames of the last client were answered from memory"
