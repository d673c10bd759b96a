# expect: what a command line of souk answers, for scripts that have sourced server.sh.
#
# SPDX-License-Identifier: Apache-2.0

checks=0
# expect CODE COMMAND...: the exit code of souk; answers land in $work/out and $work/err.
expect() {
    wanted=$1 code=0
    shift
    "$souk" "$@" > "$work/out" 2> "$work/err" < /dev/null || code=$?
    [ "$code" -eq "$wanted" ] || { cat "$work/out" "$work/err" >&2; fail "souk $*: exit code $code, not $wanted"; }
    checks=$((checks + 1))
}
# shows NAME VALUE: in the JSON of the last answer.
shows() {
    [ "$(field "$work/out" "$1")" = "$2" ] || { cat "$work/out" >&2; fail "$1 is $(field "$work/out" "$1"), not $2"; }
}
says() { grep -q -- "$1" "$work/err" || { cat "$work/err" >&2; fail "stderr does not say: $1"; }; }
