#!/bin/sh
# replay_totals: what `souk replay online-retail` must come to, computed a second time with awk from
# docs/replay.md alone. It shares no code with the command line.
#
#     replay_totals.sh FILE FACTOR|inf totals   name=value lines
#     replay_totals.sh FILE FACTOR|inf skus     the columns of --per-sku, sorted
#     replay_totals.sh FILE FACTOR|inf lines    the columns of --per-line, in the order of the file
#
# Two passes over the file: the first adds up what each SKU sells, the second is the sequential
# model, one line after the other.
#
# SPDX-License-Identifier: Apache-2.0
set -eu
file=$1 factor=$2 what=$3
export LC_ALL=C

read_file() {
    case $file in
    *.xz) xz -dc -- "$file" ;;
    *) cat -- "$file" ;;
    esac
}

{ read_file; echo '=== again ==='; read_file; } | awk -v factor="$factor" -v what="$what" '
# The fields of a line into F, quotes taken out.
function split_line(text,    n, at, c, field, quoted) {
    if (index(text, "\"") == 0) return split(text, F, ",")
    n = 0; field = ""; quoted = 0
    for (at = 1; at <= length(text); at++) {
        c = substr(text, at, 1)
        if (quoted && c == "\"" && substr(text, at + 1, 1) == "\"") { field = field "\""; at++ }
        else if (c == "\"") quoted = !quoted
        else if (c == "," && !quoted) { F[++n] = field; field = "" }
        else field = field c
    }
    F[++n] = field
    return n
}
# Pence, the third decimal rounded half away from zero.
function pence(text,    negative, dot, whole, rest, value) {
    negative = sub(/^-/, "", text)
    dot = index(text, ".")
    whole = dot ? substr(text, 1, dot - 1) : text
    rest = dot ? substr(text, dot + 1) : ""
    value = whole * 100 + substr(rest "00", 1, 2) + (substr(rest "000", 3, 1) >= 5 ? 1 : 0)
    return negative ? -value : value
}
function rule_of(code, invoice, quantity, price) {
    if (code !~ /^[0-9][0-9][0-9][0-9][0-9][A-Z]?[A-Z]?$/) return "charge"
    if (substr(invoice, 1, 1) == "C") return "cancellation"
    if (quantity < 0) return "correction"
    if (price ~ /^-/ || price !~ /[1-9]/) return "unpriced"
    return "sale"
}
function least(a, b) { return a < b ? a : b }
function minus(a) { return a == 0 ? 0 : -a }
# floor(factor x units) in whole numbers: 0.8 is 08 / 10.
function share(units,    digits, decimals, scale, product) {
    digits = factor; decimals = 0
    if (index(factor, ".")) { decimals = length(factor) - index(factor, "."); sub(/\./, "", digits) }
    scale = 1
    while (decimals-- > 0) scale *= 10
    product = units * digits
    return (product - product % scale) / scale
}
function begin_second_pass(    code) {
    for (code in known) {
        skus++
        received[code] = factor == "inf" ? sells[code] + corrects[code] : share(sells[code])
        stock[code] = received[code]
        T["received_units"] += received[code]
    }
}
function report(outcome, beyond) {
    if (what == "lines")
        printf "%d,%s,%s,%.0f,%s,%.0f\n", row, rule == "charge" ? "" : code, rule, quantity, outcome, beyond
}
$0 == "=== again ===" { pass = 2; row = 0; begin_second_pass(); next }
{ row++ }
row == 1 { if (what == "lines" && pass == 2) print "line,code,rule,quantity,outcome,beyond"; next }
{
    if (split_line($0) != 8) { print "row " row " has not eight fields" > "/dev/stderr"; bad = 1; exit 1 }
    code = toupper(F[2]); gsub(/^[ \t]+|[ \t]+$/, "", code)
    quantity = F[4] + 0; units = quantity < 0 ? -quantity : quantity
    rule = rule_of(code, F[1], quantity, F[6])
}
pass != 2 {
    if (F[5] < last_date) { print "row " row " is earlier than the one before" > "/dev/stderr"; bad = 1; exit 1 }
    last_date = F[5]
    if (rule != "charge") known[code] = 1
    if (rule == "sale") sells[code] += units
    if (rule == "correction") corrects[code] += units
    next
}
{
    T["lines"]++; N[rule]++; U[rule] += units
    if (rule == "charge" || rule == "unpriced") { report("counted", 0); next }
}
rule == "sale" {
    value = units * pence(F[6])
    T["sale_revenue_minor"] += value
    if (stock[code] >= units) {
        stock[code] -= units; shipped[code] += units; sold_lines[code]++; revenue[code] += value
        T["sold_lines"]++; T["sold_units"] += units; T["revenue_minor"] += value
        report("OK", 0)
    } else {
        refused_lines[code]++; refused_units[code] += units
        T["refused_lines"]++; T["refused_units"] += units
        report("SOLD_OUT", 0)
    }
    next
}
rule == "cancellation" {
    done = least(units, shipped[code] - returned[code])
    returned[code] += done; return_beyond[code] += units - done; stock[code] += done
    T["returned_units"] += done; T["returned_beyond"] += units - done
    report("OK", units - done)
    next
}
{
    done = least(units, stock[code])
    adjusted[code] += done; adjust_beyond[code] += units - done; stock[code] -= done
    T["adjusted_units"] += done; T["adjusted_beyond"] += units - done
    report("OK", units - done)
}
END {
    if (bad) exit 1
    if (what == "skus")
        for (code in known)
            printf "%s,%.0f,%d,%.0f,%d,%.0f,%.0f,%.0f,%.0f,%.0f,%.0f,%.0f\n", code, received[code],
                   sold_lines[code], shipped[code], refused_lines[code], refused_units[code],
                   returned[code], return_beyond[code], minus(adjusted[code]),
                   minus(adjust_beyond[code]), stock[code], revenue[code] | "sort"
    if (what != "totals") exit 0
    T["sales"] = N["sale"]; T["sale_units"] = U["sale"]
    T["cancellations"] = N["cancellation"]; T["cancellation_units"] = U["cancellation"]
    T["corrections"] = N["correction"]; T["correction_units"] = minus(U["correction"])
    T["unpriced"] = N["unpriced"]; T["charges"] = N["charge"]; T["skus"] = skus
    T["adjusted_units"] = minus(T["adjusted_units"]); T["adjusted_beyond"] = minus(T["adjusted_beyond"])
    count = split("lines sales sale_units sale_revenue_minor cancellations cancellation_units " \
                  "corrections correction_units unpriced charges skus received_units sold_lines " \
                  "sold_units revenue_minor refused_lines refused_units returned_units " \
                  "returned_beyond adjusted_units adjusted_beyond", names, " ")
    for (i = 1; i <= count; i++) printf "%s=%.0f\n", names[i], T[names[i]]
}'
