#!/bin/sh
# compare.sh BUILD REF [OPTIONS]: builds soukd of the commit REF in a worktree below BUILD and measures
# it (a) and the one in BUILD (b) in turn, with `souk-bench compare`. The worktree is removed again.
# SPDX-License-Identifier: Apache-2.0
set -eu
build=$1
ref=$2
shift 2
commit=$(git rev-parse --verify --quiet "$ref^{commit}") || {
    echo "bench-compare: no such commit: $ref (BASE=ref)" >&2
    exit 2
}
mkdir -p "$build/compare"
tree=$(cd "$build/compare" && pwd)/$commit
cleanup() {
    git worktree remove --force "$tree" 2> /dev/null || true
}
trap cleanup EXIT
trap 'exit 130' INT TERM
cleanup
git worktree add --quiet --detach "$tree" "$commit"
base="$build/compare/build-$commit"
case $base in
/*) ;;
*) base=$(pwd)/$base ;;
esac
make --no-print-directory -C "$tree" -j"$(nproc)" BUILD="$base" "$base/soukd"
echo "a = $ref, b = this tree; ratios are b : a"
"$build/souk-bench" compare --soukd "$base/soukd" --b "$build/soukd" --out "$build/bench-compare" "$@"
