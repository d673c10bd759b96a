#!/bin/sh
# cli_find: catalog, import, export, searches and pages from the command line: exit codes, what is printed, and
# what is said about questions that make no sense.
#
#     cli_find.sh BUILD
#
# SPDX-License-Identifier: Apache-2.0
set -eu
build=$1
. "$(dirname "$0")/server.sh"
. "$(dirname "$0")/expect.sh"

# prints WORDS: in the last answer.
prints() { grep -qF -- "$1" "$work/out" || { cat "$work/out" >&2; fail "the answer lacks: $1"; }; }

# ---- without a server ----
expect 2 import
expect 2 import "$work/no such file"
printf 'code,title\nA,a\n' > "$work/few.csv"
expect 2 import "$work/few.csv" --format xml
expect 2 import "$work/few.csv" --map title=title
says "no column is the code"
expect 2 import "$work/few.csv" --map code=kode
says "kode"
expect 2 import "$work/few.csv" --lanes 0
expect 2 import "$work/few.csv" --batch 257
expect 2 import - --policy all
expect 3 import "$work/few.csv"
: > "$work/empty.csv"
expect 2 import "$work/empty.csv"
says "it is empty"
expect 2 generate catalog --products many

server_start --shards 2

# ---- import: rows that are bad, policies ----
"$souk" generate catalog --products 2000 --seed 5 > "$work/catalog.csv"
"$souk" generate catalog --products 2000 --seed 5 | cmp -s - "$work/catalog.csv" || fail "a seed is not a seed"
# Line 102 has no price, 503 an unknown currency, 904 no code, 1105 a value too many.
awk -F, -v OFS=, 'NR == 102 { sub(/,[0-9.]+,[0-9.]*,GBP,/, ",cheap,,GBP,") } NR == 503 { sub(/,GBP,/, ",QQQ,") }
    NR == 904 { sub(/^P[0-9]*/, "") } NR == 1105 { $0 = $0 ",more" } { print }' "$work/catalog.csv" > "$work/mixed.csv"
expect 1 --json import "$work/mixed.csv" --policy all --quiet
shows bad_rows 4
says "line 102"
expect 0 --json export "$work/out.jsonl" --quiet
shows products 0
rm "$work/mixed.csv.bad.csv"
expect 1 --json import "$work/mixed.csv" --quiet
shows rows 1996
shows created 1996
shows bad_rows 4
cut -d, -f1 "$work/mixed.csv.bad.csv" | tr '\n' ' ' > "$work/lines"
[ "$(cat "$work/lines")" = "line 102 503 904 1105 " ] || fail "bad rows are $(cat "$work/lines")"
[ ! -e "$work/mixed.csv.import" ] || fail "a journal is left behind"
expect 0 --json import "$work/catalog.csv" --quiet
shows created 4
shows changed 1996
expect 0 --json import "$work/few.csv" --map "code=code,title=title,slug='lamp'" --quiet --skus
shows created 1
printf '{"code":"J1","title":"Jason\\u00e9","price":2.5,"popularity":7}\n{"code":5}\n[]\n{"code":"J2","title":["x"]}\n' > "$work/rows.jsonl"
expect 1 --json import "$work/rows.jsonl" --quiet
shows rows 2
shows bad_rows 2
expect 0 --json product get J1
shows title "Jasoné"
shows price_minor 250
expect 1 sku get J1 # no row told of stock
printf '{"code":"J3","price":2.5,"stock":4}\n{"code":"J4"}\n' > "$work/rows.jsonl"
expect 0 --json import "$work/rows.jsonl" --quiet
expect 0 --json stock get J3
shows on_hand 4
expect 1 sku get J4
# Two products want one slug: the first row has it.
printf 'code,slug\nS1,my-lamp\nS2,my-lamp\n' > "$work/slugs.csv"
expect 1 --json import "$work/slugs.csv" --quiet
shows refused 1
grep -q '3,1,"S2","ALIAS_TAKEN"' "$work/slugs.csv.bad.csv" || fail "the second claim of a slug is not noted"
expect 0 --json alias get my-lamp
"$souk" import - --quiet < "$work/few.csv" > "$work/out" 2> "$work/err" || fail "import from a pipe"

# ---- import: killed and resumed; what was said about rows stands there once ----
awk -F, -v OFS=, 'NR > 1 { $1 = "K" NR } NR % 100 == 0 { $1 = "" } { print }' "$work/catalog.csv" > "$work/killed.csv"
"$souk" import "$work/killed.csv" --rate 2000 --quiet > /dev/null 2>&1 &
client_pid=$!
sleep 0.7
kill -9 "$client_pid"
wait "$client_pid" 2> /dev/null || true
client_pid=
[ -s "$work/killed.csv.import" ] || fail "no journal after a kill"
expect 2 import "$work/few.csv" --resume --quiet
expect 1 --json import "$work/killed.csv" --resume
says "going on at line"
shows bad_rows 20
shows rows 1980
[ "$(field "$work/out" created)" -lt 1980 ] || fail "a resumed import has begun anew"
awk -F, 'NR > 1 && $1 != (NR - 1) * 100 { exit 1 } END { exit NR != 21 }' "$work/killed.csv.bad.csv" ||
    { cat "$work/killed.csv.bad.csv" >&2; fail "the bad rows of a resumed import are not each once, in order"; }

# ---- export, and back ----
expect 0 export "$work/all.csv" --quiet
expect 0 export "$work/all.jsonl" --quiet
[ "$(wc -l < "$work/all.jsonl")" = 3986 ] || fail "export has $(wc -l < "$work/all.jsonl") products"
expect 0 --json import "$work/all.csv" --quiet
shows created 0
expect 0 --json import "$work/all.jsonl" --quiet
shows created 0
expect 0 export "$work/again.jsonl" --quiet
cmp -s "$work/all.jsonl" "$work/again.jsonl" || fail "what was exported, imported and exported again is different"
expect 2 export "$work/all.xml" --format xml
expect 0 verify
say "cli-check: $checks command lines about finding, all as expected"
