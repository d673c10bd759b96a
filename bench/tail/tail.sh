#!/bin/sh
# tail.sh BUILD: what searches do to the tail of reservations: durable takes at a fixed rate, open loop, with
# and without searches in a catalog of PRODUCTS (default 100000), in turn, ROUNDS times (default 3).
# The server has one core, both loads the other. Gate: p99.9 with searches at most 3 times that without.
# SPDX-License-Identifier: Apache-2.0
set -eu
build=$1
products=${PRODUCTS:-100000}
rounds=${ROUNDS:-3}
seconds=${SECONDS_PER_ROUND:-10}
rate=${RATE:-2000}
work=$(mktemp -d "${TMPDIR:-/tmp}/souk-tail-XXXXXX")
server=
trap 'if [ -n "$server" ]; then kill "$server" 2> /dev/null || true; wait "$server" 2> /dev/null || true; fi; rm -rf "$work"' EXIT
taskset -c 0 "$build/soukd" "$work/data" --shards 1 --listen none --unix "$work/socket" > "$work/server.log" 2>&1 &
server=$!
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    [ -S "$work/socket" ] && break
    sleep 0.1
done
taskset -c 1 "$build/search-load" "$work/socket" fill "$products"
echo "takes at $rate/s, $products products, $rounds rounds of $seconds s; p99.9 in us"
take() {
    taskset -c 1 "$build/souk-bench" load --server "$work/socket" --op take --connections 8 --inflight 4 --records 1 \
        --rate "$rate" --seconds "$seconds" --warmup 1 --json > "$1"
}
for round in $(seq "$rounds"); do
    take "$work/alone.$round"
    taskset -c 1 "$build/search-load" "$work/socket" $((seconds + 3)) "${INFLIGHT:-4}" > "$work/search.$round" &
    load=$!
    sleep 1
    take "$work/with.$round"
    wait "$load"
    cat "$work/search.$round"
done
value() { sed -n 's/.*"p99_9": *\([0-9]*\).*/\1/p' "$1" | head -n 1; } # ns
for round in $(seq "$rounds"); do
    echo "$(value "$work/alone.$round") $(value "$work/with.$round")"
done | sort -n | awk '
    { alone[NR] = $1 / 1000; with[NR] = $2 / 1000; printf "  alone %.0f, with searches %.0f\n", $1 / 1000, $2 / 1000 }
    END { n = asort_(alone, NR); m = asort_(with, NR)
          printf "median: alone %.0f, with searches %.0f, ratio %.2f (at most 3)\n", n, m, m / n
          exit m / n > 3 }
    function asort_(a, n,   i, j, t) { for (i = 1; i <= n; i++) for (j = i + 1; j <= n; j++) if (a[j] < a[i]) { t = a[i]; a[i] = a[j]; a[j] = t } return a[int((n + 1) / 2)] }'
