#!/usr/bin/env bash
# Holds the sources to .clang-format (every file) and to .clang-tidy (files that changed).
#   tools/lint.sh [BASE]     BASE: the commit since which files count as changed. Default: where this branch left
#                            origin/main; on main itself the last tag, or 50 commits before where there is none newer.
#   tools/lint.sh format     formats every file in place
# A file that clang-tidy cannot read whole is held to the compiler, alone: what lacks an include fails here.
# clang-tidy starts no file after ADAQ_LINT_SECONDS (240) and says which were left; the newest changes come first.
# Needs clang-format-14 and clang-tidy-14 (tools/packages.sh development).
set -euo pipefail
cd "$(dirname "$0")/.."
build=${ADAQ_LINT_BUILD:-build/lint}
seconds=${ADAQ_LINT_SECONDS:-240}
most_commits=50

sources() { git ls-files -z -- '*.cpp' '*.h' '*.cu' '*.cuh'; }

check_format() {
    sources | xargs -0 --no-run-if-empty clang-format-14 --dry-run --Werror || { echo "lint.sh: not formatted: run tools/lint.sh format" >&2; return 1; }
}

choose_base() {
    local base
    base=$(git merge-base HEAD origin/main 2>/dev/null || true)
    if [ -n "$base" ] && [ "$base" != "$(git rev-parse HEAD)" ]; then echo "$base" && return; fi
    base=$(git describe --tags --abbrev=0 HEAD^ 2>/dev/null || true)
    if [ -n "$base" ] && [ "$(git rev-list --count "$base..HEAD")" -le $most_commits ]; then echo "$base" && return; fi
    git rev-list --first-parent --max-count=$((most_commits + 1)) HEAD | tail -1
}

# .cpp files to look at, the newest first: those that changed, and for a header that changed its own or one that includes it.
changed_units() {
    git log --format= --name-only "$1..HEAD" -- '*.cpp' '*.h' | cat <(git diff --name-only HEAD -- '*.cpp' '*.h') - | awk 'NF && !seen[$0]++' |
        while read -r file; do
            [ -f "$file" ] || continue
            case $file in
            *.cpp) echo "$file" ;;
            *) if [ -f "${file%.h}.cpp" ]; then echo "${file%.h}.cpp"; else git grep -l -F "\"$file\"" -- '*.cpp' | head -1 || true; fi ;;
            esac
        done | awk '!seen[$0]++'
}

# Warnings in headers that did not change are left alone.
header_filter() {
    local headers
    headers=$(git diff --name-only "$1" -- '*.h' | sed 's/[.]/\\./g' | paste -sd '|')
    echo "(${headers:-none})\$"
}

compiles_alone() { # whether the compiler can read it
    local folder command
    { read -r folder && read -r command; } < <(python3 -c 'import json, sys
print(*next((entry["directory"], entry["command"]) for entry in json.load(open(sys.argv[1])) if entry["file"].endswith("/" + sys.argv[2])), sep="\n")' "$build/compile_commands.json" "$1")
    (cd "$folder" && eval "$command -fsyntax-only")
}
export -f compiles_alone

tidy() { # of one file; clang 14 does not read all of g++ 12's C++20, and its own warnings are not asked for
    local found
    if [ $(($(date +%s) - started)) -ge "$seconds" ]; then
        echo "$1" >>"$left"
        return
    fi
    local shim=()
    [ ! -f tools/clang_tidy_14.h ] || shim=(--extra-arg-before=-includetools/clang_tidy_14.h)
    found=$(clang-tidy-14 -p "$build" --quiet --warnings-as-errors='*,-clang-diagnostic-*' --extra-arg=-Wno-unknown-warning-option \
        --extra-arg=-Wno-unused-command-line-argument \
        "${shim[@]}" --header-filter="$filter" "$1" 2>&1) && return
    if grep -qF 'clang-diagnostic-error]' <<<"$found" || ! grep -qF ',-warnings-as-errors]' <<<"$found"; then # half read: what it says of the rest is not to be trusted
        echo "clang-tidy: cannot read $1: $(grep -m1 -F 'error:' <<<"$found")"
        compiles_alone "$1"
        return
    fi
    grep -vE '^[0-9]+ warnings? |^Suppressed |^Use -header-filter' <<<"$found"
    return 1
}
export -f tidy

check_changes() {
    local units
    [ -f "$build/compile_commands.json" ] || cmake --preset lint >/dev/null
    units=$(mktemp) left=$(mktemp) filter=$(header_filter "$1") started=$(date +%s)
    trap 'rm -f "$units" "$left"' RETURN
    export build filter left seconds started
    changed_units "$1" | while read -r file; do
        if grep -qF "/$file\"" "$build/compile_commands.json"; then echo "$file"; fi # what this build compiles
    done >"$units"
    echo "clang-tidy: $(wc -l <"$units") files changed since $(git rev-parse --short "$1")"
    xargs --no-run-if-empty -P "$(nproc)" -I{} bash -c 'tidy "$1"' _ {} <"$units" || return 1
    [ ! -s "$left" ] || echo "clang-tidy: no time for $(wc -l <"$left") files: $(paste -sd ' ' "$left")"
}

if [ "${1:-}" = format ]; then
    sources | xargs -0 --no-run-if-empty clang-format-14 -i
    exit 0
fi
base=$(git rev-parse --verify --quiet "${1:-$(choose_base)}^{commit}") || { echo "lint.sh: $1: no such commit" >&2; exit 2; }
check_format
check_changes "$base"
