#!/bin/sh
# demo: a shop's orders and a flash sale through a server of its own, then the books are checked.
#
#     demo.sh BUILD [FILE]      FILE: real sales in the online-retail format (.csv or .csv.xz)
#
# Everything lives in a temporary directory and is gone afterwards.
#
# SPDX-License-Identifier: Apache-2.0
set -eu
build=$1
file=${2:-}
. "$(dirname "$0")/../replay/server.sh"
patient

if [ -z "$file" ]; then
    file="$work/shop.csv"
    "$souk" generate online-retail --seed 2024 --lines 120000 --skus 3000 > "$file"
    say "A generated shop: 120,000 lines on 9,600 invoices, 3,000 SKUs (seed 2024)."
else
    [ -r "$file" ] || fail "$file cannot be read"
    say "The sales of $file."
fi

server_start
say "A server on a temporary directory:"
say "    $(grep '^ready' "$work/server.log")"
say ""
say "1. The shop receives nine tenths of what its customers will ask for. Every invoice is a checkout by"
say "   its customer, paid by card, shipped and delivered; cancellations are returns with refunds. 64"
say "   customers at once:"
say "    souk replay online-retail FILE --stock 0.9 --clients 64"
"$souk" replay online-retail "$file" --stock 0.9 --clients 64
say ""
say "2. A flash sale: 1,000 units, 2,000 buyers over 64 connections, one in ten requests loses its"
say "   connection before the answer comes:"
say "    souk flash-sale LAMP --stock 1000 --clients 64 --demand 2000 --cuts 10"
"$souk" flash-sale LAMP --stock 1000 --clients 64 --demand 2000 --cuts 10
say ""
say "3. A catalog of 10,000 products is imported while the server serves, and searched:"
say "    souk generate catalog --products 10000 > catalog.csv; souk import catalog.csv"
"$souk" generate catalog --products 10000 --seed 7 > "$work/catalog.csv"
"$souk" import "$work/catalog.csv" --quiet
say ""
say "    souk search \"white hanging heart\" --facet category --facet color --filter in_stock"
"$souk" search "white hanging heart" --facet category:5 --facet color:5 --filter in_stock --limit 5
say ""
say "    souk search \"hangin haert tea lite\" (typos)"
"$souk" search "hangin haert tea lite" --limit 3
say ""
say "    souk page P100001"
"$souk" page P100001 --recommended 3
say ""
say "4. Pull the plug (kill -9), start again, and check every sum:"
"$souk" verify > "$work/before"
server_end KILL
server_start
"$souk" verify | tee "$work/after"
cmp -s "$work/before" "$work/after" || fail "the state differs after the restart"
server_end TERM
say ""
say "The digests are those of before the kill. The demo is over; nothing of it is left."
