#!/bin/sh
# splice.sh GENERATOR [--check] FILE...: puts what `GENERATOR name` prints between the lines
#   <!-- generated: name -->  ...  <!-- end -->      in a document
#   .\" generated: name       ...  .\" end          in a manual page
# of each FILE. With --check nothing is written and a stale file is an error.
# SPDX-License-Identifier: Apache-2.0
set -eu
generator=$1
shift
check=0
if [ "$1" = --check ]; then
    check=1
    shift
fi
status=0
for file in "$@"; do
    new=$(mktemp)
    awk -v generator="$generator" '
        /^(<!--|\.\\") generated: / {
            print
            name = $3
            command = generator " " name
            while ((command | getline line) > 0)
                print line
            if (close(command) != 0) {
                print "splice.sh: " command " failed" > "/dev/stderr"
                exit 1
            }
            skipping = 1
            next
        }
        /^(<!-- end -->|\.\\" end)/ { skipping = 0 }
        !skipping { print }
    ' "$file" > "$new"
    if ! cmp -s "$file" "$new"; then
        if [ "$check" = 1 ]; then
            echo "$file is stale: run \`make docs\`" >&2
            status=1
        else
            cat "$new" > "$file"
            echo "updated $file"
        fi
    fi
    rm -f "$new"
done
exit $status
