#!/bin/sh
# orders_oracle.sh: a file of sales as orders, computed by tests/replay/orders_oracle.awk.
#
#     orders_oracle.sh [--stock inf|FACTOR] [--accepted LIST] [--print WHAT | --into PREFIX] FILE
#
#   --stock     what is received of a SKU before the first order: inf (default), or the part FACTOR of
#               what the file's orders ask for, e.g. 0.8
#   --accepted  the orders that were accepted, one invoice number a line: for a replay of many clients,
#               where timing decides who gets the last unit. Money and units follow from the list;
#               corrections of stock are left out, and `oversold_skus` must be 0
#   --print     totals    name=value lines (default)
#               invoices  kind,invoice,customer,lines,units,minor,outcome,returned_units,refunded_minor
#               lines     invoice,line,sku,units,price_minor,outcome,returned_units
#               skus      sku,received,sold,returned,adjusted,level, sorted
#   --into      all four at once, to PREFIX.totals, PREFIX.invoices, PREFIX.lines and PREFIX.skus
#
# FILE may end in .xz. Exit codes: 1 for a file that the rules do not fit, 2 for a wrong call or file,
# 3 where an invariant of the computation itself fails.
# SPDX-License-Identifier: Apache-2.0
set -eu
export LC_ALL=C
stock=inf accepted= what=totals into=
usage() {
    echo "usage: orders_oracle.sh [--stock inf|FACTOR] [--accepted LIST] [--print totals|invoices|lines|skus | --into PREFIX] FILE" >&2
    exit 2
}
while [ $# -gt 1 ]; do
    case $1 in
    --stock) stock=$2 ;;
    --accepted) accepted=$2 ;;
    --print) what=$2 ;;
    --into) into=$2 ;;
    *) usage ;;
    esac
    shift 2
done
[ $# -eq 1 ] && [ -r "$1" ] || usage
case $what in totals | invoices | lines | skus) ;; *) usage ;; esac
case $stock in
inf) ;;
*[!0-9.]* | *.*.* | '' | .) usage ;;
esac

case $1 in
*.xz) xz -dc -- "$1" ;;
*) cat -- "$1" ;;
esac | awk -v stock="$stock" -v accepted="$accepted" -v print_what="$what" -v into="$into" \
    -f "$(dirname "$0")/orders_oracle.awk"
