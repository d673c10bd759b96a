#!/bin/sh
# mutants.sh BUILD: does the town notice what is wrong with orders?
#
# For each fault of mutants.tab: a copy of the sources with that one line changed, built, and run through
# short towns (payments) and many small ones (steps --shops). One of them must fail; of what happens too
# rarely in a town, the tables of test_order_saga. A build that cannot be made, and a fault that no source
# line fits any more, fail here too. EVERY=4 takes every fourth fault only. First of all the copy as it is must pass.
#
# SPDX-License-Identifier: Apache-2.0
set -u
mkdir -p "$1"
build=$(cd "$1" && pwd)
table=tests/town/mutants.tab
work=$build/mutants
tree=$work/tree
rm -rf "$work"
mkdir -p "$tree"
cp -r Makefile proto shards tests "$tree"

tables=tests/unit/shards/test_order_saga

make_all() {
    make -s -C "$tree" CC="${CC:-gcc}" WERROR=0 BUILD="$work/build" "$work/build/$tables" \
        "$work/build/tests/town/payments" "$work/build/tests/town/steps" > "$work/make.log" 2>&1
}
# Passes if the town does; what was noticed is in notice.log.
run_town() {
    timeout 120 "$work/build/tests/town/payments" --orders 6000 --seed 1 > "$work/notice.log" 2>&1 &&
        timeout 120 "$work/build/tests/town/steps" --shops 1500 >> "$work/notice.log" 2>&1
}
run_tables() {
    timeout 120 "$work/build/$tables" > "$work/notice.log" 2>&1
}
# change FILE OLD NEW: replaces the one line that is OLD but for its indentation.
change() {
    OLD=$2 NEW=$3 awk '
        { line = $0; sub(/^[ \t]+/, "", line) }
        line == ENVIRON["OLD"] { print ENVIRON["NEW"]; count++; next }
        { print }
        END { exit count == 1 ? 0 : 1 }
    ' "$1" > "$work/changed.c" && cp "$work/changed.c" "$1"
}

make_all || { cat "$work/make.log"; echo "mutants: the town does not build"; exit 1; }
run_tables || { tail -n 5 "$work/notice.log"; echo "mutants: the tables fail without any fault"; exit 1; }
run_town || { tail -n 5 "$work/notice.log"; echo "mutants: the town fails without any fault"; exit 1; }

noticed=0
missed=0
faults=0
every=${EVERY:-1}
name= file= old= run=run_town
while IFS= read -r line; do
    case $line in
    '@ '*) name=${line#@ } run=run_town ;;
    '? '*) run=run_tables ;;
    '= '*) file=${line#= } ;;
    '- '*) old=${line#- } ;;
    '+ '*)
        faults=$((faults + 1))
        [ $((faults % every)) -eq 0 ] || continue
        cp "$tree/$file" "$work/original.c"
        if ! change "$tree/$file" "$old" "${line#+ }"; then
            echo "mutants: $file has no such line, or several: $old"
            missed=$((missed + 1))
        elif ! make_all; then
            tail -n 5 "$work/make.log"
            echo "mutants: does not build: $name"
            missed=$((missed + 1))
        elif $run; then
            echo "mutants: NOT NOTICED: $name"
            missed=$((missed + 1))
        else
            noticed=$((noticed + 1))
            echo "mutants: noticed: $name ($(grep -a -o -E '[a-z_/.]+:[0-9]+: (panic|MUST) .*|ERROR: .* line .*' "$work/notice.log" | tail -n 1 | cut -c 1-100))"
        fi
        cp "$work/original.c" "$tree/$file"
        ;;
    esac
done < "$table"
[ $missed -eq 0 ] || { echo "mutants: $missed faults were not noticed"; exit 1; }
echo "mutants: all $noticed faults of orders were noticed ($faults in the table)"
