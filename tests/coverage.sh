#!/bin/sh
# coverage.sh BUILD: line and branch coverage per room, out of a gcov build whose tests have run.
#
# Only .c files are counted, each once, those that no test links too. A branch counts as taken when
# it was taken at least once; the failing side of a MUST is a branch that no good run takes, so the
# figure for branches cannot come near 100 %. With V=1 every file is listed.
# SPDX-License-Identifier: Apache-2.0
set -eu
build=$1
find "$build/obj" -name '*.gcno' -exec ${GCOV:-gcov} -n -b {} + 2> /dev/null |
    awk -v verbose="${V:-0}" '
    BEGIN { count = split("proto shards engine/log engine client/lib", rooms, " ") }
    function part(text) { # "Lines executed:85.71% of 7": how many were
        sub(/^[^:]*:/, "", text)
        split(text, words, "% of ")
        total = words[2]
        return int(words[1] * total / 100 + 0.5)
    }
    function room_of(name,    i) {
        for (i = 1; i <= count; i++)
            if (index(name, rooms[i] "/") == 1)
                return rooms[i]
        return ""
    }
    /^(Calls executed:|No calls)/ { room = "" } # a sum over everything follows the last file
    /^File / {
        split($0, quoted, "\047")
        file = quoted[2]
        room = file ~ /\.c$/ && !(file in seen) ? room_of(file) : ""
        seen[file] = 1
    }
    /^Lines executed:/ && room != "" {
        hit = part($0)
        lines[room] += total
        line_hits[room] += hit
        if (verbose != 0)
            printf "  %-36s %6d lines %6.1f %%\n", file, total, 100 * hit / total | "sort"
    }
    /^Taken at least once:/ && room != "" {
        branch_hits[room] += part($0)
        branches[room] += total
    }
    END {
        close("sort")
        printf "%-12s %8s %9s %10s %9s\n", "room", "lines", "covered", "branches", "taken"
        for (i = 1; i <= count; i++) {
            room = rooms[i]
            printf "%-12s %8d %7.1f %% %10d %7.1f %%\n", room, lines[room],
                100 * line_hits[room] / (lines[room] + !lines[room]), branches[room],
                100 * branch_hits[room] / (branches[room] + !branches[room])
        }
    }'
