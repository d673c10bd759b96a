#!/bin/sh
# orders_oracle_check: the computation of "invoices as orders" against a shop small enough for a pencil,
# and against what is known of the real sales by another way.
#
#     orders_oracle_check.sh [FILE]     FILE defaults to the real sales in $SOUK_DATA
#
# SPDX-License-Identifier: Apache-2.0
set -eu
here=$(dirname "$0")
oracle="$here/orders_oracle.sh"
work=$(mktemp -d "${TMPDIR:-/tmp}/souk-oracle.XXXXXX")
trap 'rm -rf "$work"' EXIT
fail() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }
# same NAME: $work/got against stdin.
same() {
    cat > "$work/wanted"
    diff "$work/wanted" "$work/got" > "$work/diff" || { cat "$work/diff" >&2; fail "$1"; }
    printf 'ok %s\n' "$1"
}
value() { sed -n "s/^$2=//p" "$1"; }

# Per SKU the orders ask for: 11111 20, 22222A 12, 33333 4. With 0.8: 16, 9, 3.
cat > "$work/shop.csv" << 'EOF'
InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
C0,11111,before anything was bought,-1,2011-01-01 08:00:00,1.00,7.0,UK
100,11111,LAMP,2,2011-01-01 09:00:00,1.00,7.0,UK
100,11111,LAMP,3,2011-01-01 09:00:00,0.90,7.0,UK
100,22222a,"MUG, ""BIG""",4,2011-01-01 09:00:00,2.005,7.0,UK
100,POST,POSTAGE,1,2011-01-01 09:00:00,18.00,7.0,UK
101,11111,LAMP,5,2011-01-01 09:01:00,1.10,7.0,UK
100, 22222A ,MUG,1,2011-01-01 09:02:00,2.00,7.0,UK
102,33333,CUP,4,2011-01-01 09:03:00,3.00,,UK
C103,11111,newest order first,-6,2011-01-01 10:00:00,1.00,7.0,UK
C103,22222A,then line by line,-5,2011-01-01 10:00:00,9.99,7.0,UK
C104,33333,a guest cannot be known again,-4,2011-01-01 10:01:00,3.00,,UK
105,22222A,MUG,4,2011-01-01 11:00:00,2.00,8.0,UK
105,22222A,MUG,3,2011-01-01 11:00:00,2.00,8.0,UK
106,11111,LAMP,6,2011-01-01 11:01:00,1.00,8.0,UK
106,11111,LAMP,4,2011-01-01 11:01:00,1.00,8.0,UK
107,44444,given away,2,2011-01-01 11:02:00,0.0,8.0,UK
108,11111,broken,-3,2011-01-01 11:03:00,0.0,,UK
C109,11111,,-20,2011-01-01 12:00:00,1.00,7.0,UK
EOF

"$oracle" --print invoices "$work/shop.csv" > "$work/got"
same "without a limit all is sold, and returns take the newest order first" << 'EOF'
kind,invoice,customer,lines,units,minor,outcome,returned_units,refunded_minor
return,C0,7,1,1,0,unmatched,0,0
order,100,7,4,10,1474,accepted,10,1474
order,101,7,1,5,550,accepted,5,550
order,102,guest-102,1,4,1200,accepted,0,0
return,C103,7,2,11,0,matched,11,1654
return,C104,guest-C104,1,4,0,unmatched,0,0
order,105,8,2,7,1400,accepted,0,0
order,106,8,2,10,1000,accepted,0,0
return,C109,7,1,20,0,partly,4,370
EOF

"$oracle" --stock 0.8 --print lines "$work/shop.csv" > "$work/got"
same "with 0.8 an invoice is refused as a whole, and what came back is sold again" << 'EOF'
invoice,line,sku,units,price_minor,outcome,returned_units
100,1,11111,2,100,accepted,2
100,2,11111,3,90,accepted,3
100,3,22222A,4,201,accepted,4
100,4,22222A,1,200,accepted,1
101,1,11111,5,110,accepted,5
102,1,33333,4,300,out_of_stock,0
105,1,22222A,4,200,accepted,0
105,2,22222A,3,200,accepted,0
106,1,11111,6,100,accepted,0
106,2,11111,4,100,accepted,0
EOF
"$oracle" --stock 0.8 --print skus "$work/shop.csv" > "$work/got"
same "levels in the end, corrections included" << 'EOF'
sku,received,sold,returned,adjusted,level
11111,16,20,10,2,4
22222A,9,12,5,0,2
33333,3,0,0,0,3
44444,0,0,0,0,0
EOF
"$oracle" --stock 0.8 "$work/shop.csv" > "$work/got"
same "totals" << 'EOF'
lines=18
order_lines=10
order_units=36
order_minor=5624
cancellations=5
cancellation_units=36
corrections=1
unpriced=1
charges=1
skus=4
received_units=28
orders=5
customer_orders=4
guest_orders=1
accepted=4
refused=1
accepted_units=32
refused_units=4
captured_minor=4424
refused_minor=1200
returns=4
returned_units=15
unmatched_units=21
refunded_minor=2024
adjusted_units=2
adjusted_beyond=1
EOF
"$oracle" --stock 0.4 --print invoices "$work/shop.csv" | awk -F, '$1 == "order" { print $2 $7 }' > "$work/got"
same "demand is summed per SKU: 105 asks for 7 and not for 4 and 3" << 'EOF'
100out_of_stock
101accepted
102out_of_stock
105out_of_stock
106out_of_stock
EOF

printf '101\n102\n' > "$work/accepted"
"$oracle" --stock 0.8 --accepted "$work/accepted" "$work/shop.csv" |
    grep -E '^(accepted|refused|captured_minor|refunded_minor|unmatched_units|oversold_skus)=' > "$work/got"
same "a list decides, and what it oversells is seen" << 'EOF'
accepted=2
refused=3
captured_minor=1750
unmatched_units=31
refunded_minor=550
oversold_skus=1
EOF
printf '999\n' > "$work/accepted"
"$oracle" --accepted "$work/accepted" "$work/shop.csv" > "$work/got" 2>&1 && fail "an unknown invoice is accepted"
sed 's/^106,11111,LAMP,4\(.*\),8.0,/106,11111,LAMP,4\1,9.0,/' "$work/shop.csv" > "$work/two.csv"
"$oracle" "$work/two.csv" > "$work/got" 2>&1 && fail "an invoice of two customers is accepted"
echo "ok what is no order, or of two customers, is an error"

file=${1:-${SOUK_DATA:-}/online-retail-2010-12-to-2011-08.csv.xz}
if [ ! -r "$file" ]; then
    echo "SKIPPED the real sales: $file is not there (set SOUK_DATA)"
    exit 0
fi
"$oracle" --stock 0.8 "$file" > "$work/totals"
"$here/../replay_totals.sh" "$file" 0.8 totals > "$work/by_line"
for pair in lines:lines order_lines:sales order_units:sale_units order_minor:sale_revenue_minor \
    cancellations:cancellations cancellation_units:cancellation_units corrections:corrections \
    unpriced:unpriced charges:charges skus:skus received_units:received_units; do
    [ "$(value "$work/totals" "${pair%:*}")" = "$(value "$work/by_line" "${pair#*:}")" ] ||
        fail "${pair%:*} is not ${pair#*:} of the lines"
done
"$oracle" --stock 0.8 --print invoices "$file" | awk -F, '$7 == "accepted" { print $2 }' > "$work/accepted"
"$oracle" --stock 0.8 --accepted "$work/accepted" "$file" > "$work/again"
for name in accepted accepted_units captured_minor returned_units unmatched_units refunded_minor; do
    [ "$(value "$work/totals" $name)" = "$(value "$work/again" $name)" ] ||
        fail "$name differs once the list decides"
done
[ "$(value "$work/again" oversold_skus)" = 0 ] || fail "the list oversells"
echo "ok $(value "$work/totals" orders) invoices of real sales: the lines are those of replay_totals.sh"
echo "oracle-check: passed"
