#!/usr/bin/env bash
# Fuzzes the parsers: what reads files of strangers must refuse them or read them, and do nothing else.
#   tools/fuzz.sh SECONDS [TARGET...]     each target for so long (default: all of them; tests/fuzz/targets.cpp has them)
# An input that breaks a parser is kept in build/fuzz/found/<target>/ and ends the run with status 1: mend the parser, and
# add the input to tests/fuzz/seeds/<target>/. What reaches new code is kept in build/fuzz/corpus for the next run.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:?tools/fuzz.sh SECONDS [TARGET...]}
shift
tools/packages.sh fuzz
cmake --preset fuzz >/dev/null
cmake --build --preset fuzz | tail -1
build=build/fuzz
targets=("$@")
[ ${#targets[@]} -gt 0 ] || mapfile -t targets < <(cd $build && ls -d fuzz-* | sed 's/^fuzz-//')

run() { # run TARGET: its seconds, with its own corpus, the seeds and the fixtures of that format
    local target=$1 corpus=$build/corpus/$1 found=$build/found/$1 seeds=()
    mkdir -p "$corpus" "$found"
    for folder in tests/fuzz/seeds/"$target" tests/fixtures/images tests/fixtures/weights tests/fixtures/onnx; do
        [ -d "$folder" ] && seeds+=("$folder")
    done
    ASAN_OPTIONS=allocator_may_return_null=1:detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1 \
        "$build/fuzz-$target" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=3072 -max_len=32768 -print_final_stats=1 \
        -artifact_prefix="$found/" "$corpus" "${seeds[@]}" >"$build/$target.log" 2>&1
}

failed=0
for target in "${targets[@]}"; do
    status=0
    run "$target" || status=$?
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$build/$target.log")
    coverage=$(sed -n 's/.*cov: \([0-9]*\).*/\1/p' "$build/$target.log" | tail -1)
    printf '%-14s %10s runs, %6s edges, %s\n' "$target" "${runs:-?}" "${coverage:-?}" "$([ $status = 0 ] && echo passed || echo "FAILED: $build/$target.log")"
    [ $status = 0 ] || failed=1
done
exit $failed
