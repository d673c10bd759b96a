#!/bin/sh
# lint.sh BUILD: the rules of the house that a compiler does not check.
#
#   layers      includes point one way only (docs/architecture.md)
#   purity      shards/ needs nothing of the outside world; no mutable globals in shards, proto, client
#   banned      functions that have a safer twin
#   headers     each compiles alone
#   sizes       functions up to 70 lines, files up to 1,200 (what stands between the marks
#               "generated: begin" and "generated: end" is not counted)
#   form        a licence line in every file, unique file names, nothing left to fix
#
# Prints every finding and exits 1 if there is one.
# SPDX-License-Identifier: Apache-2.0
set -u
build=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
findings=$work/findings
: > "$findings"
report() { while IFS= read -r line; do echo "$1: $line" >> "$findings"; done; }

sources=$(git ls-files -co --exclude-standard 'engine/*.[ch]' 'proto/*.[ch]' 'client/*.[ch]' \
    'shards/*.[ch]' 'bench/*.[ch]' 'tests/*.[ch]' 'docs/*.[ch]' | sort -u)

# --- layers: room -> rooms that it may include
allowed() {
    case $1 in
    proto) echo proto ;;
    shards) echo 'proto shards' ;;
    client) echo 'proto client' ;;
    engine) echo 'proto shards engine' ;;
    bench/micro) echo 'proto shards engine bench tests' ;;
    bench) echo 'proto client bench' ;;
    docs) echo 'proto' ;;
    esac
}
for file in $sources; do
    case $file in
    tests/*) continue ;;
    bench/micro/*) room=bench/micro ;;
    *) room=${file%%/*} ;;
    esac
    rooms=$(allowed "$room")
    sed -n 's/^[ \t]*#[ \t]*include[ \t]*"\([^"]*\)".*/\1/p' "$file" | while read -r include; do
        target=${include%%/*}
        case " $rooms " in
        *" $target "*) ;;
        *)
            case $include in
            engine/options.def) [ "$room" = docs ] || echo "$file includes $include" ;;
            souk.h) [ "$room" = client ] || [ "$room" = bench ] || echo "$file includes $include" ;;
            *) echo "$file includes $include" ;;
            esac
            ;;
        esac
        # The engine sees the state machines through one header, gathers through another, and the allocator's seam.
        case $room:$include in
        engine:shards/shard.h | engine:shards/gather/gather.h | engine:shards/store/store_memory.h) ;;
        engine:shards/*) echo "$file includes $include: only shards/shard.h is for the engine" ;;
        esac
    done
done | report layers
grep -ln '<liburing.h>' $sources | grep -v -e '^engine/ring/' -e '^bench/' -e '^tests/' |
    sed 's/$/ includes <liburing.h>: only engine\/ring may/' | report layers
grep -nE '_Atomic|__atomic_|stdatomic' $sources |
    grep -E '^(engine|shards|proto)/' | grep -v -e '^engine/mailbox\.' -e '^engine/watch/metrics\.' \
    -e '^engine/ring/' -e '^engine/memory\.' | report 'atomics outside mailbox, metrics, memory and ring'

# --- purity: an archive built without hardening, so that only our own needs show
if make -s -j2 BUILD="$build" HARDEN= PIC=-fno-pic "$build/libshards.a" "$build/libproto.a" \
    "$build/libsouk.a" > "$work/make.log" 2>&1; then
    nm -u "$build/libshards.a" 2> /dev/null | awk '$1 == "U" { print $2 }' | sort -u > "$work/undefined"
    nm --defined-only "$build/libshards.a" "$build/libproto.a" 2> /dev/null |
        awk 'NF == 3 { print $3 }' | sort -u > "$work/defined"
    comm -23 "$work/undefined" "$work/defined" |
        grep -vxE 'LZ4_(compress_default|decompress_safe)|memcpy|memmove|memset|memcmp|base_panic|store_chunk_(acquire|release)|sb_stemmer_[a-z]+|utf8proc_[a-z_0-9]+|_GLOBAL_OFFSET_TABLE_' |
        sed 's/$/ is not a thing a pure state machine needs/' | report purity
    for archive in libshards libproto libsouk; do
        nm "$build/$archive.a" 2> /dev/null | awk -v a="$archive" 'NF == 3 && $2 ~ /^[bBdDC]$/ { print a ": " $3 " is mutable" }'
    done | report globals
else
    tail -n 5 "$work/make.log" | report 'does not build'
fi

# --- banned functions
grep -nE '(^|[^a-z_])(strcpy|strcat|sprintf|vsprintf|gets|strtok|alloca|atoi|atol|atof|rand|srand|system)\(' \
    $(echo "$sources" | grep -v '^tests/') | grep -v ':[ \t]*\*' | report banned
grep -nE '(^|[^a-z_])(malloc|calloc|realloc|free|time|clock_gettime|printf)\(' $sources |
    grep '^shards/' | report 'banned in shards'

# --- headers compile alone
for header in $(echo "$sources" | grep '\.h$'); do
    echo "#include \"$header\"" > "$work/alone.c"
    ${CC:-gcc} -std=c11 -D_GNU_SOURCE -DSOUK_VERSION='""' -I. -Iclient/lib -I"$build/include" -Wall -Wextra -Wundef \
        -fsyntax-only "$work/alone.c" 2> "$work/alone.log" ||
        head -n 1 "$work/alone.log" | report "$header does not compile alone"
done

# --- sizes
for file in $sources; do
    awk -v file="$file" '
        /^[a-zA-Z].*\)$/ || /^[a-zA-Z][^;=]*\($/ || /^ .*\)$/ { start = NR; if ($0 !~ /^ /) name = $0 }
        /^\{$/ { open = NR }
        /^\}$/ { if (open && NR - open + 1 > 72) print file ":" open ": a function of " NR - open - 1 " lines"; open = 0 }
        /^\/\* generated: begin/ { marked = NR }
        /^\/\* generated: end/ { if (marked) printed += NR - marked - 1; marked = 0 }
        END { lines = NR - printed
              if (lines > 1200) print file ": " lines " lines"
              else if (lines > 800) print "warning: " file " has " lines " lines" > "/dev/stderr" }
    ' "$file"
done | report sizes

# --- form
for file in $sources; do
    grep -q 'SPDX-License-Identifier: Apache-2.0' "$file" || echo "$file"
done | report 'no licence line'
echo "$sources" | sed 's:.*/::' | sort | uniq -d | grep -vx main.c | report 'file name is not unique'
grep -n 'FIXME' $sources | report fixme
grep -nE '[[:blank:]]$' $sources | report 'space at the end of the line'

if [ -s "$findings" ]; then
    cat "$findings"
    echo "lint: $(wc -l < "$findings") findings"
    exit 1
fi
echo "lint: no findings in $(echo "$sources" | wc -l) files"
