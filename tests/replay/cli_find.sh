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
patient

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

# Columns that nobody wants are told, and which there are where one is missing.
printf 'code,titel\nU1,x\n' > "$work/titel.csv"
expect 0 import "$work/titel.csv"
says "left out: titel"
printf 'sku;name\nU2;a, b\n' > "$work/semicolons.csv"
expect 2 import "$work/semicolons.csv"
says "the file has: sku, name"
expect 2 import "$work/semicolons.csv" --map code=nummer
says "it has: sku, name"
expect 0 --json import "$work/semicolons.csv" --map code=sku,title=name
expect 0 --json product get U2
prints '"title":"a, b"'
printf 'code\ttitle\nU3\ttabs\n' > "$work/tabs.tsv"
expect 0 import "$work/tabs.tsv"
expect 0 help import
prints visible_from
# A quote that is never closed costs its own line.
printf 'code,title\nU4,a\nU5,"b\nU6,c\nU7,d\n' > "$work/quote.csv"
expect 1 --json import "$work/quote.csv" --quiet
shows rows 3
shows bad_rows 1
# A page is any bytes, in CSV and in JSON.
expect 0 product put BLOB --page "$(printf 'a\377\001b')"
for form in csv jsonl; do
    expect 0 export "$work/blob.$form" --quiet
    grep -qa '61ff0162' "$work/blob.$form" || fail "a page is lost in $form"
    expect 0 product patch BLOB --page ""
    expect 0 --json import "$work/blob.$form" --quiet
    expect 0 --json product get BLOB
    shows page_hex 61ff0162
done
expect 0 product delete BLOB
for code in U1 U2 U3 U4 U5 U6 U7; do "$souk" product delete $code > /dev/null 2>&1 || true; done

# ---- import: killed and resumed; what was said about rows stands there once ----
awk -F, -v OFS=, 'NR > 1 { $1 = "K" NR } NR % 100 == 0 { $1 = "" } { print }' "$work/catalog.csv" > "$work/killed.csv"
"$souk" import "$work/killed.csv" --rate 500 --quiet > /dev/null 2>&1 &
client_pid=$!
tries=0
until grep -qs '^rows [1-9]' "$work/killed.csv.import"; do
    kill -0 "$client_pid" 2> /dev/null || fail "an import is over before it can be killed"
    tries=$((tries + 1))
    [ "$tries" -lt 1200 ] || fail "an import has no journal after a minute"
    sleep 0.05
done
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
expect 0 --json export "$work/all.jsonl" --quiet
cp "$work/out" "$work/out.all"
[ "$(wc -l < "$work/all.jsonl")" = 3986 ] || fail "export has $(wc -l < "$work/all.jsonl") products"
expect 0 --json import "$work/all.csv" --quiet
shows created 0
expect 0 --json import "$work/all.jsonl" --quiet
shows created 0
expect 0 export "$work/again.jsonl" --quiet
cmp -s "$work/all.jsonl" "$work/again.jsonl" || fail "what was exported, imported and exported again is different"
expect 2 export "$work/all.xml" --format xml
# ---- searches ----
# finds COUNT WORD...: the total of a search.
finds() {
    total=$1
    shift
    expect 0 --json search "$@"
    shows total "$total"
}
all=$(field "$work/out.all" products)
finds "$all" --limit 0
expect 0 search white hanging heart --facet category --limit 3
prints "WHITE HANGING HEART"
prints "home/"
grep -q '^category$' "$work/out" || fail "a facet has no heading"
expect 0 search lamp --facet price,weight --bars 3 --limit 1
prints " GBP to "
grep -q 'NaN' "$work/out" && fail "a number is none"
expect 0 search "hangin haert" --limit 1
prints "understood as: hanging heart"
expect 0 --json search lamp --limit 1
cursor=$(field "$work/out" cursor)
first=$(field "$work/out" code)
expect 0 --json search lamp --limit 1 --cursor "$cursor"
[ "$(field "$work/out" code)" != "$first" ] || fail "the second page is the first"
expect 0 --json search mug -red --limit 100 # a word that must not be there
shows words 1
prints " MUG 0.3 L"
grep -q '"title":"RED ' "$work/out" && fail "an excluded word is found"
expect 0 --json search '"hanging heart"' lamp --explain --limit 1
expect 0 --json suggest hang
prints '"hanging"'
expect 0 suggest hang
expect 0 --json page P100001 --recommended 3 --exact
shows code P100001
version=$(field "$work/out" page_version)
expect 0 --json page P100001 --if-version "$version"
shows not_modified true
expect 0 page my-lamp --by slug
expect 0 suggest white h
prints "white ha"
expect 0 suggest qqqqq
prints nothing
expect 0 page P100001 P100002 --recommended 0
[ "$(grep -c '^code ' "$work/out")" = 2 ] || fail "two pages are not two"
expect 1 page P100001 NOSUCH P100002 --recommended 0
[ "$(grep -c '^code ' "$work/out")" = 2 ] || fail "a page that is not there hides another"
expect 2 page P100001 P100002 --if-version 1
expect 0 sku put LAMP-XL --product P100001 --price 4.50
expect 0 page LAMP-XL --recommended 0 # the page of the SKU's product
prints "P100001"
prints "LAMP-XL"
expect 0 alias put other-lamp P100001
prints "other-lamp  P100001"
expect 1 alias put other-lamp P100002
says "it is P100001's; --from-product"
expect 0 alias put other-lamp P100002 --from-product P100001
expect 0 alias get other-lamp
prints P100002
expect 0 curation put hiding --query qqqq --hide P100001
expect 0 curation get hiding
prints "P100001  hide"
expect 1 page no-lamp --by slug
says "slug no-lamp: NOT_FOUND"
expect 1 related NOSUCH
says "NOSUCH: NOT_FOUND"
expect 1 recommend P100001 NOSUCH
expect 0 recommend P100001
expect 0 review put P100001 ann 4
prints "it waits for: souk review moderate P100001 ann approved"
expect 0 review queue
prints "P100001 "
expect 1 page NOSUCH
says NOT_FOUND
expect 0 --json query stats
prints '"hangin haert"'

# ---- settings of searches ----
expect 1 category put home/lighting
says "souk category put home"
expect 0 category put home
expect 0 category put home/lighting --name Lighting
expect 0 --json category list home
prints '"code":"home/lighting"'
expect 0 category get home/lighting
prints "home > Lighting"
expect 0 attribute put weight --type number
expect 0 attribute get weight
prints number
expect 0 collection put cheap --filter 'price:..300' --sort price
expect 0 collection get cheap
prints price:..300
expect 0 search --collection cheap --limit 1
expect 0 synonym put lights lamp light
expect 0 synonym get lights
expect 0 stop-words put few the of
expect 0 stop-words get few
expect 0 rank-profile put loved --popularity 1000
expect 0 rank-profile get loved
expect 0 search lamp --profile loved
expect 0 curation put best --query lamp --pin P100001=1 --hide "$first"
expect 0 curation get best
prints pin
expect 0 --json search lamp --limit 100
shows code P100001
grep -q "\"$first\"" "$work/out" && fail "what is hidden is found"
expect 0 search-policy put --drop-below 5
expect 0 --json search-policy get
shows drop_below 5

# ---- ads: a budget is held, spent, and over ----
expect 0 ad put show --product P100007 --words teapot,lamp --bid 0.20
expect 0 ad get show
expect 0 --json search lamp --ads 1 --limit 1
grep -q sponsored "$work/out" && fail "an ad without a budget is shown"
expect 0 --json ad budget show --amount 0.30 --product P100007
shows left 30
tries=0
until "$souk" --json search lamp --ads 1 --limit 1 | grep -q '"sponsored"'; do
    tries=$((tries + 1))
    [ "$tries" -lt 1200 ] || fail "an ad with a budget is not shown"
    sleep 0.05
done
"$build/examples/ad_budget" "$SOUK_ADDRESS" > "$work/out" || { cat "$work/out" >&2; fail "the example of ads fails"; }
prints "no ad: fewer units are sellable than asked for, and none will come back by themselves"
expect 0 --json ad budget spring-lamps
shows left 10
shows spent 40

# ---- questions that make no sense: each is refused, in words, at once ----
# refuses CODE WORDS WORD...: souk search ends with CODE and says WORDS, within two seconds; one of five times at
# least, as the machine may have been busy with something else.
refuses() {
    code_wanted=$1 words=$2 tries=0
    shift 2
    while :; do
        before=$(date +%s)
        expect "$code_wanted" search "$@"
        says "$words"
        [ $(($(date +%s) - before)) -gt 2 ] || break
        tries=$((tries + 1))
        [ "$tries" -lt 5 ] || fail "a refusal takes more than two seconds: $words"
    done
}
repeat() { awk -v text="$1" -v count="$2" 'BEGIN { for (i = 0; i < count; i++) printf "%s", text }'; }
refuses 2 "more than 1024 bytes" "$(repeat x 100000)"
refuses 2 "more than 1024 bytes" "$(repeat 'word ' 10000)"
refuses 1 "more than 32 words" "$(repeat 'w ' 33)"
refuses 1 "byte 0: not UTF-8" "$(printf '\377\376')" white
# A megabyte is more than the system lets a command line have: from a pipe.
{ printf 'search "'; repeat y 1048576; printf '"\nsearch '; repeat 'word ' 10000; printf '\nping\n'; } > "$work/long"
code=0
"$souk" repl < "$work/long" > "$work/out" 2> "$work/err" || code=$?
[ "$code" = 2 ] || fail "a megabyte in a pipe: exit code $code"
says "more than 1024 bytes"
prints microseconds # what comes behind it is done
refuses 1 "byte 0: this bracket is not closed" lamp --filter '(brand:Fern'
refuses 1 "byte 10: this bracket was not opened" lamp --filter 'brand:Fern)'
refuses 1 "more than 16 brackets" lamp --filter "$(repeat '(' 17)in_stock$(repeat ')' 17)"
refuses 1 "more than 256 terms" lamp --filter "in_stock$(repeat ' OR in_stock' 256)"
refuses 2 "5000 bytes, but at most 4096" lamp --filter "$(repeat x 5000)"
refuses 1 "byte 12: nosuch: no product has this attribute" lamp --filter 'brand:a AND nosuch:5'
refuses 1 "byte 6: price is compared with numbers" lamp --filter price:cheap
refuses 1 "byte 0: facets: nosuch: no product" lamp --facet nosuch
refuses 1 "code has no facet" lamp --facet code
expect 0 attribute put material --type text
tries=0
until "$souk" search lamp --facet material > "$work/out" 2> "$work/err"; [ $? -eq 1 ]; do
    tries=$((tries + 1))
    [ "$tries" -lt 1200 ] || fail "a text attribute has a facet"
    sleep 0.1
done
says BAD_FILTER
refuses 1 "1 to 1,000 values" lamp --facet color:2000
refuses 1 CURSOR_MISMATCH mug --cursor "$cursor"
refuses 1 CURSOR_MISMATCH lamp --sort price --cursor "$cursor"
refuses 1 CURSOR_MISMATCH lamp --filter in_stock --cursor "$cursor"
refuses 1 CURSOR_MISMATCH lamp --cursor 00
refuses 1 CURSOR_MISMATCH lamp --cursor "$(repeat ab 128)"
refuses 2 "hex digits" lamp --cursor "$(repeat ab 129)"
refuses 2 "hex digits" lamp --cursor zz
refuses 2 "out of range" lamp --offset 1000000000
refuses 2 "out of range" lamp --limit 1000000000
refuses 2 "out of range" lamp --offset -1
refuses 1 "collection nosuch: NOT_FOUND" lamp --collection nosuch
refuses 1 "profile nosuch: NOT_FOUND" lamp --profile nosuch
refuses 2 "is not an option" lamp --no-such-option
refuses 2 "did you mean --limit?" lamp --limt 3
# The place is marked below the text.
refuses 1 '^      brand:a AND nosuch:5$' lamp --filter 'brand:a AND nosuch:5'
says '^                  ^ byte 12: nosuch'
# What cannot be a text is told with its field and byte before it is sent.
expect 2 product put BAD --title "$(printf 'caf\303\251 \377')"
says "title: byte 6: not valid UTF-8"
expect 2 review put P100001 alice 5 --title "$(printf 'a\nb')"
says "title: byte 1: a control character"
expect 2 review put P100001 alice 5 --body "$(printf 'a\nb\033[31m')"
says "body: byte 3: a control character"
expect 2 review put P100001 alice 6
says 'stars "6": 1 to 5'
expect 2 synonym put s1 "$(printf 'a\377')" b
# A rule that nobody can read is not put; one that finds nothing yet is.
expect 1 collection put broken --filter 'brand:acme AND'
says "byte 11: a term is missing after this"
expect 1 collection get broken
expect 0 collection put early --filter 'brand:acme AND nobody:5'
says "byte 15: nobody: no product has this attribute"
expect 0 collection get early
# Slips of the finger.
expect 2 serch lamp
says "did you mean search?"
expect 2 product gett P100001
says "there are put patch get delete"
expect 2 review
says "needs a second word: put get list moderate"
finds 0 lamp --offset 10000 --limit 1 --only NOSUCH
expect 2 suggest "$(repeat x 2000)"
expect 1 suggest "$(printf '\377')"
expect 2 page "$(printf '\377')"
expect 0 verify
say "cli-check: $checks command lines about finding, all as expected"
