# server: a soukd of a test's own, for scripts that source this file after setting `build`.
#
# It listens on a Unix socket inside a temporary directory, so tests never meet on a port. What is
# started here is ended here, by its process id.
#
# SPDX-License-Identifier: Apache-2.0

work=$(mktemp -d "${TMPDIR:-/tmp}/souk-test.XXXXXX")
server_pid=
others= # more processes, to be ended with everything else
souk="$build/souk"
SOUK_ADDRESS="unix:$work/socket"
export SOUK_ADDRESS

# patient: from now on souk waits for answers as long as a machine may be busy with something else; by itself it
# gives up after 3 seconds without a connection and 10 without an answer, and an import puts a row twice then.
patient() {
    { printf '#!/bin/sh\n'; printf 'exec "%s" --timeout 120000 "$@"\n' "$(cd "$build" && pwd)/souk"; } > "$work/souk"
    chmod +x "$work/souk"
    souk="$work/souk"
}

say() { printf '%s\n' "$*"; }
fail() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }

# server_start [option...]: on $work/data, waits for the ready line.
server_start() {
    rm -f "$work/socket" # a server that was killed leaves its socket behind
    : > "$work/server.log"
    "$build/soukd" "$work/data" --listen none --unix "$work/socket" "$@" > "$work/server.log" 2>&1 &
    server_pid=$!
    tries=0
    until grep -q '^ready' "$work/server.log"; do
        kill -0 "$server_pid" 2> /dev/null || { cat "$work/server.log" >&2; fail "soukd did not start"; }
        tries=$((tries + 1))
        [ "$tries" -lt 1200 ] || fail "soukd is not ready after a minute"
        sleep 0.05
    done
}

# server_end SIGNAL: and waits until it is gone.
server_end() {
    [ -n "$server_pid" ] || return 0
    kill "-$1" "$server_pid" 2> /dev/null || true
    wait "$server_pid" 2> /dev/null || true
    server_pid=
}

clean_up() {
    code=$?
    trap - EXIT INT TERM
    for pid in ${client_pid:-} $others; do kill -9 "$pid" 2> /dev/null || true; done
    if [ "$code" -ne 0 ] && [ -s "$work/server.log" ]; then
        printf 'the end of the server'"'"'s log:\n' >&2
        tail -n 5 "$work/server.log" >&2
    fi
    server_end KILL
    rm -rf "$work"
    exit "$code"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# field FILE NAME: a number, string or truth value out of one line of JSON, first occurrence.
field() {
    awk -v name="$2" 'match($0, "[{,]\"" name "\":") {
        rest = substr($0, RSTART + RLENGTH); sub(/^"/, "", rest); sub(/[,"}].*/, "", rest)
        print rest; exit
    }' "$1"
}
