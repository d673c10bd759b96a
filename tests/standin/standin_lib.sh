# standin_lib: psp-standin and psp-sink for scripts that source this file after setting `bin` and `work`.
#
# What is started here is ended here, by its process id.
#
# SPDX-License-Identifier: Apache-2.0

bearer='Authorization: Bearer any'
standin_pid= sink_pid= port= sink= api= status=

fail() {
    printf 'FAILED: %s\n' "$*" >&2
    [ ! -s "$work/body" ] || { printf 'the last answer (%s): ' "$status" >&2; head -c 600 "$work/body" >&2; echo >&2; }
    exit 1
}
ok() { printf 'ok %s\n' "$*"; }

# end PID: and waits until it is gone.
end() {
    [ -n "$1" ] || return 0
    kill "$1" 2> /dev/null || true
    wait "$1" 2> /dev/null || ended=$?
}
clean_up() {
    code=$?
    trap - EXIT INT TERM
    end "$standin_pid"
    end "$sink_pid"
    rm -rf "$work"
    exit "$code"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# wait_for COMMAND: up to ten seconds, until it succeeds.
wait_for() {
    tries=0
    until (eval "$1") > /dev/null 2>&1; do
        tries=$((tries + 1))
        [ "$tries" -lt 500 ] || { eval "$1"; fail "waited for: $1"; }
        sleep 0.02
    done
    eval "$1"
}
# port_of FILE: what a program has printed.
port_of() { sed -n 's/^port //p' "$1"; }

standin_start() {
    : > "$work/standin.out"
    "$bin/psp-standin" "$@" > "$work/standin.out" &
    standin_pid=$!
    wait_for '[ -n "$(port_of "$work/standin.out")" ]'
    port=$(port_of "$work/standin.out")
    api="http://127.0.0.1:$port/v1"
}
# Memory that was not freed or a failed MUST shows in its exit code.
standin_stop() {
    ended=0
    end "$standin_pid"
    standin_pid=
    [ "$ended" = 0 ] || fail "psp-standin ended with $ended"
}
sink_start() { # FAILURES
    rm -f "$work/events"
    : > "$work/sink.out"
    "$bin/psp-sink" "$work/events" "$1" > "$work/sink.out" &
    sink_pid=$!
    wait_for '[ -n "$(port_of "$work/sink.out")" ]'
    sink=$(port_of "$work/sink.out")
}
sink_stop() {
    end "$sink_pid"
    sink_pid=
}

# field FILE NAME: a number, string or truth value out of one line of JSON, first occurrence.
field() {
    awk -v name="$2" 'match($0, "[{,]\"" name "\":") {
        rest = substr($0, RSTART + RLENGTH); sub(/^"/, "", rest); sub(/[,"}].*/, "", rest)
        print rest; exit
    }' "$1"
}

# ask CURL-OPTION...: the answer goes to body and head, its status (000: none) to status.
ask() {
    : > "$work/body"
    status=$(curl -s -D "$work/head" -o "$work/body" -w '%{http_code}' -H "$bearer" "$@") || true
}
# post KEY|- PATH name=value...: names and values as they are.
post() {
    key=$1 path=$2
    shift 2
    set -- "$@" --
    while [ "$1" != -- ]; do
        set -- "$@" --data-urlencode "$1"
        shift
    done
    shift
    [ "$key" = - ] || set -- "$@" -H "Idempotency-Key: $key"
    ask -X POST "$@" "$api/$path"
}
# get PATH [name=value]
get() { ask -G ${2:+--data-urlencode "$2"} "$api/$1"; }
# raw METHOD PATH BODY
raw() { ask -X "$1" --data-binary "$3" "$api/$2"; }

# payment AMOUNT KEY [METHOD]: the words of a post that makes one; no blanks in them.
payment() {
    echo "payment_intents amount=$1 currency=gbp payment_method=${3:-pm_card_visa} capture_method=manual" \
        "confirm=true metadata[key]=$2"
}
# intent IDEMPOTENCY-KEY AMOUNT KEY: one that is authorised; pi is its id.
intent() {
    post "$1" $(payment "$2" "$3")
    answers 200 status requires_capture
    pi=$(field "$work/body" id)
}

# shows NAME VALUE...: in the last answer; an empty value: the name is not there.
shows() {
    while [ $# -gt 1 ]; do
        got=$(field "$work/body" "$1")
        [ "$got" = "$2" ] || fail "$1 is \"$got\", not \"$2\""
        shift 2
    done
}
# answers STATUS NAME VALUE...
answers() {
    wanted=$1
    shift
    [ "$status" = "$wanted" ] || fail "the status is $status, not $wanted"
    shows "$@"
}
get_ledger() { status=$(curl -s -o "$work/body" -w '%{http_code}' "http://127.0.0.1:$port/ledger"); }
# ledger NAME VALUE...: totals, requests or webhooks. The keys are left out.
ledger() {
    get_ledger
    sed 's/"keys":{.*"requests":/"requests":/' "$work/body" > "$work/totals"
    mv "$work/totals" "$work/body"
    shows "$@"
}
totals() {
    get_ledger
    sed 's/.*"totals":{\([^}]*\)}.*/\1/' "$work/body"
}
# of_key KEY: its part of the ledger, roughly.
of_key() {
    get_ledger
    sed "s/.*\"$1\":{\"intents\"/{\"intents\"/; s/\"voided\":[0-9]*},\"[^\"]*\":{.*//" "$work/body"
}
# Of the events that came, in their order.
ids() { sed 's/^{"id":"\([^"]*\)".*/\1/' "$work/events"; }
types() {
    while IFS= read -r event; do
        printf '%s\n' "$event" > "$work/event"
        echo "$(field "$work/event" type) $(field "$work/event" idempotency_key)"
    done < "$work/events"
}
