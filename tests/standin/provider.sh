# provider.sh: for the scripts of the payment worker, after ../replay/server.sh.
#
# SPDX-License-Identifier: Apache-2.0

# provider_start OPTIONS: the payment provider for tests, stopped with the server; `standin_pid`, `port`.
provider_start() {
    : > "$work/standin.out"
    "$build/tests/standin/psp-standin" --key-name key "$@" > "$work/standin.out" &
    standin_pid=$!
    others=$standin_pid
    provider_tries=0
    until port=$(sed -n 's/^port //p' "$work/standin.out") && [ -n "$port" ]; do
        provider_tries=$((provider_tries + 1))
        [ "$provider_tries" -lt 200 ] || fail "psp-standin does not start"
        sleep 0.05
    done
}
