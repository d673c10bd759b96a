# orders_oracle: what a shop's sales come to when every invoice is an order, computed from the section
# "Invoices as orders" of docs/replay.md alone. It shares no code with the command line.
#
# Variables   stock     inf, or a decimal factor such as 0.8
#             accepted  a file of invoice numbers; where given, those invoices are the accepted orders
#                       and nothing is decided here
#             print_what  totals | invoices | lines | skus
#             into      where given, all four are written, each to a file of its name after this prefix
# Input       the CSV, once. Everything is kept and played in END: an invoice is one event, at the
#             place of the first of its lines that counts.
#
#      rows -> lines by rule -> events in order: O order   all lines of an invoice, granted or refused
#                                                R return  all lines of an invoice that begins with C
#                                                A adjust  one correction
#
# Invariants, checked at the end (exit code 3):
#   I1  captured - refunded is the worth of what was bought and not returned, line by line
#   I2  no stock below zero, where stock is decided here
#   I3  returned and unmatched units are together what the cancellations ask for
#
# All numbers are whole and below 2^53, so that an awk that counts in doubles is exact. They are
# printed with %.0f, since %d is 32 bits wide in some.
#
# SPDX-License-Identifier: Apache-2.0

function fail(code, text) {
    print "orders_oracle: " text > "/dev/stderr"
    failed = code
    exit code
}
# The fields of a row into F, quotes taken out; how many there are.
function split_row(text,    n, at, c, field, quoted) {
    if (index(text, "\"") == 0) return split(text, F, ",")
    n = 0; field = ""; quoted = 0
    for (at = 1; at <= length(text); at++) {
        c = substr(text, at, 1)
        if (c == "\"" && quoted && substr(text, at + 1, 1) == "\"") { field = field c; at++ }
        else if (c == "\"") quoted = !quoted
        else if (c == "," && !quoted) { F[++n] = field; field = "" }
        else field = field c
    }
    F[++n] = field
    return n
}
function trimmed(text) { gsub(/^[ \t]+|[ \t]+$/, "", text); return text }
# Pence of a price as written, halves of a penny away from zero.
function pence(text,    sign, parts, decimals) {
    sign = sub(/^-/, "", text) ? -1 : 1
    split(text, parts, ".")
    decimals = parts[2] "000"
    return sign * (parts[1] * 100 + substr(decimals, 1, 2) + (substr(decimals, 3, 1) >= 5))
}
# floor(factor x units), exactly: the factor is digits / scale.
function share(units,    digits, scale, dot, product) {
    digits = stock; scale = 1
    if ((dot = index(stock, ".")) > 0) {
        for (dot = length(stock) - dot; dot > 0; dot--) scale *= 10
        sub(/\./, "", digits)
    }
    product = units * digits
    return (product - product % scale) / scale
}
# 17850.0 is customer 17850. Without one, every invoice has a guest of its own.
function customer_of(text, invoice) {
    text = trimmed(text)
    sub(/\.0*$/, "", text)
    return text == "" ? "guest-" invoice : text
}
function add_event(kind, name) { event_kind[++events] = kind; event_name[events] = name }
# One more line of an order or a return; the first one is the event.
function add_line(kind, invoice, customer, sku, units, price) {
    if (!((kind, invoice) in line_count)) {
        add_event(kind, invoice)
        customer_name[kind, invoice] = customer
    }
    if (customer_name[kind, invoice] != customer) fail(1, "invoice " invoice " has two customers")
    line_count[kind, invoice]++
    line_sku[kind, invoice, line_count[kind, invoice]] = sku
    line_units[kind, invoice, line_count[kind, invoice]] = units
    if (kind == "O") line_price[invoice, line_count[kind, invoice]] = price
}

BEGIN {
    FS = "\n"
    if (accepted != "") {
        while ((got = (getline row < accepted)) > 0)
            if (trimmed(row) != "") listed[trimmed(row)] = 1
        if (got < 0) fail(2, "cannot read " accepted)
    }
}
{ sub(/\r$/, "") }
NR == 1 {
    if ($0 != "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country")
        fail(2, "the header is another one")
    next
}
{
    if (split_row($0) != 8) fail(2, "row " NR " has not eight fields")
    if (F[5] < last_date) fail(2, "row " NR " is earlier than the one before")
    last_date = F[5]
    T["lines"]++
    code = toupper(trimmed(F[2])); quantity = F[4] + 0; units = quantity < 0 ? -quantity : quantity
    if (code !~ /^[0-9][0-9][0-9][0-9][0-9][A-Z]?[A-Z]?$/) { T["charges"]++; next }
    known[code] = 1
    customer = customer_of(F[7], F[1])
    if (substr(F[1], 1, 1) == "C") {
        T["cancellations"]++; T["cancellation_units"] += units
        add_line("R", F[1], customer, code, units, 0)
    } else if (quantity < 0) {
        T["corrections"]++; corrects[code] += units
        add_event("A", code); event_units[events] = units
    } else if (F[6] ~ /^-/ || F[6] !~ /[1-9]/) {
        T["unpriced"]++
    } else {
        T["order_lines"]++; T["order_units"] += units; T["order_minor"] += units * pence(F[6])
        sells[code] += units
        add_line("O", F[1], customer, code, units, pence(F[6]))
    }
}

function receive_stock(    sku) {
    for (sku in known) {
        T["skus"]++
        received[sku] = stock == "inf" ? sells[sku] + corrects[sku] : share(sells[sku])
        level[sku] = received[sku]
        T["received_units"] += received[sku]
    }
}
# Is there enough of every SKU for all lines of the invoice together?
function is_in_stock(invoice,    k, sku, need) {
    for (k = 1; k <= line_count["O", invoice]; k++) {
        sku = line_sku["O", invoice, k]
        need[sku] += line_units["O", invoice, k]
        if (need[sku] > level[sku]) return 0
    }
    return 1
}
function play_order(invoice,    k, sku, units, grant, lot) {
    T["orders"]++
    T[customer_name["O", invoice] ~ /^guest-/ ? "guest_orders" : "customer_orders"]++
    grant = accepted == "" ? is_in_stock(invoice) : invoice in listed
    outcome[invoice] = grant ? "accepted" : accepted == "" ? "out_of_stock" : "refused"
    T[grant ? "accepted" : "refused"]++
    for (k = 1; k <= line_count["O", invoice]; k++) {
        sku = line_sku["O", invoice, k]; units = line_units["O", invoice, k]
        order_units[invoice] += units
        order_minor[invoice] += units * line_price[invoice, k]
        if (!grant) { T["refused_units"] += units; continue }
        level[sku] -= units; sold[sku] += units; left[invoice, k] = units
        T["accepted_units"] += units
        # The customer's orders that have this SKU, oldest first, each once.
        lot = customer_name["O", invoice] SUBSEP sku
        if (lot_order[lot, lot_count[lot] + 0] != invoice) lot_order[lot, ++lot_count[lot]] = invoice
    }
    if (grant) T["captured_minor"] += order_minor[invoice]
    else T["refused_minor"] += order_minor[invoice]
}
# Up to `wanted` units of the SKU out of one order's lines, in their order; how many there were.
function take_back(invoice, sku, wanted,    k, units, found) {
    found = 0
    for (k = 1; k <= line_count["O", invoice] && found < wanted; k++) {
        if (line_sku["O", invoice, k] != sku || left[invoice, k] == 0) continue
        units = left[invoice, k] < wanted - found ? left[invoice, k] : wanted - found
        left[invoice, k] -= units; found += units
        order_returned[invoice] += units
        order_refunded[invoice] += units * line_price[invoice, k]
        T["refunded_minor"] += units * line_price[invoice, k]
        return_minor += units * line_price[invoice, k]
    }
    return found
}
function play_return(invoice,    k, j, sku, asked, found, lot) {
    T["returns"]++
    return_minor = 0
    for (k = 1; k <= line_count["R", invoice]; k++) {
        sku = line_sku["R", invoice, k]; asked = line_units["R", invoice, k]; found = 0
        lot = customer_name["R", invoice] SUBSEP sku
        for (j = lot_count[lot] + 0; j > 0 && found < asked; j--)
            found += take_back(lot_order[lot, j], sku, asked - found)
        level[sku] += found; returned[sku] += found
        return_units[invoice] += asked
        return_found[invoice] += found
        T["returned_units"] += found; T["unmatched_units"] += asked - found
    }
    return_refunded[invoice] = return_minor
}
function play_adjustment(sku, units,    done) {
    done = units < level[sku] ? units : level[sku]
    level[sku] -= done; adjusted[sku] += done
    T["adjusted_units"] += done; T["adjusted_beyond"] += units - done
}
function check_invariants(    i, k, invoice, kept, sku) {
    for (i = 1; i <= events; i++) {
        if (event_kind[i] != "O" || outcome[event_name[i]] != "accepted") continue
        invoice = event_name[i]
        for (k = 1; k <= line_count["O", invoice]; k++) {
            if (left[invoice, k] < 0) fail(3, "more returned than bought on " invoice)
            kept += left[invoice, k] * line_price[invoice, k]
        }
    }
    if (kept != T["captured_minor"] - T["refunded_minor"]) fail(3, "I1: the money does not add up")
    if (T["returned_units"] + T["unmatched_units"] != T["cancellation_units"] + 0)
        fail(3, "I3: the returns do not add up")
    for (sku in known) {
        if (level[sku] >= 0) continue
        if (accepted == "") fail(3, "I2: " sku " is below zero")
        T["oversold_skus"]++
    }
    for (invoice in listed)
        if (!(("O", invoice) in line_count)) fail(2, accepted ": invoice " invoice " is no order")
}
function print_totals(    names, count, i) {
    count = split("lines order_lines order_units order_minor cancellations cancellation_units " \
                  "corrections unpriced charges skus received_units orders customer_orders " \
                  "guest_orders accepted refused accepted_units refused_units captured_minor " \
                  "refused_minor returns returned_units unmatched_units refunded_minor " \
                  "adjusted_units adjusted_beyond oversold_skus", names, " ")
    for (i = 1; i <= count; i++) {
        if (accepted != "" && names[i] ~ /^adjusted/) continue
        if (accepted == "" && names[i] == "oversold_skus") continue
        printf "%s=%.0f\n", names[i], T[names[i]] > out
    }
}
function match_of(invoice) {
    if (return_found[invoice] == return_units[invoice]) return "matched"
    return return_found[invoice] ? "partly" : "unmatched"
}
function print_invoices(    i, n) {
    print "kind,invoice,customer,lines,units,minor,outcome,returned_units,refunded_minor" > out
    for (i = 1; i <= events; i++) {
        n = event_name[i]
        if (event_kind[i] == "O")
            printf "order,%s,%s,%d,%.0f,%.0f,%s,%.0f,%.0f\n", n, customer_name["O", n],
                   line_count["O", n], order_units[n], order_minor[n], outcome[n],
                   order_returned[n], order_refunded[n] > out
        if (event_kind[i] == "R")
            printf "return,%s,%s,%d,%.0f,%.0f,%s,%.0f,%.0f\n", n, customer_name["R", n],
                   line_count["R", n], return_units[n], 0, match_of(n), return_found[n],
                   return_refunded[n] > out
    }
}
function print_lines(    i, k, n) {
    print "invoice,line,sku,units,price_minor,outcome,returned_units" > out
    for (i = 1; i <= events; i++) {
        if (event_kind[i] != "O") continue
        n = event_name[i]
        for (k = 1; k <= line_count["O", n]; k++)
            printf "%s,%d,%s,%.0f,%.0f,%s,%.0f\n", n, k, line_sku["O", n, k],
                   line_units["O", n, k], line_price[n, k], outcome[n],
                   (outcome[n] == "accepted" ? line_units["O", n, k] - left[n, k] : 0) > out
    }
}
function print_skus(    sku, sort) {
    sort = into == "" ? "sort" : "sort >> '" out "'"
    print "sku,received,sold,returned,adjusted,level" > out
    fflush(out)
    for (sku in known)
        printf "%s,%.0f,%.0f,%.0f,%s,%.0f\n", sku, received[sku], sold[sku], returned[sku],
               accepted == "" ? sprintf("%.0f", adjusted[sku]) : "-", level[sku] | sort
    close(sort)
}
# To standard output, or to the file of its name.
function print_part(name) {
    out = into == "" ? "/dev/stdout" : into "." name
    if (name == "invoices") print_invoices()
    else if (name == "lines") print_lines()
    else if (name == "skus") print_skus()
    else print_totals()
    close(out)
}
END {
    if (failed) exit failed
    receive_stock()
    for (i = 1; i <= events; i++) {
        if (event_kind[i] == "O") play_order(event_name[i])
        else if (event_kind[i] == "R") play_return(event_name[i])
        else if (accepted == "") play_adjustment(event_name[i], event_units[i])
    }
    check_invariants()
    if (failed) exit failed
    if (into == "") {
        print_part(print_what)
    } else {
        print_part("totals"); print_part("invoices"); print_part("lines"); print_part("skus")
    }
}
