#!/usr/bin/env bash
# Installs a build into a temporary prefix, builds the program beside this script against it, and runs that and adaq-run from there.
#   run.sh BUILD_DIR WEIGHTS
set -euo pipefail
build=$1 weights=$2
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cmake --install "$build" --prefix "$folder/prefix" >/dev/null
cmake -G Ninja -S "$here" -B "$folder/build" -DCMAKE_PREFIX_PATH="$folder/prefix" "${@:3}" >/dev/null
# The headers' arithmetic is compiled as the library's is.
grep -q -e "-ffp-contract=off" "$folder/build/compile_commands.json"
cmake --build "$folder/build" >/dev/null
"$folder/build/user" "$weights" "$folder/q.bin"
test -s "$folder/q.bin"
"$folder/prefix/bin/adaq-convert" "$folder/q.bin" "$folder/q.safetensors" >/dev/null
test -s "$folder/q.encodings.json"
"$folder/prefix/bin/adaq-run" --a32 --val-images 50 | grep -q W3A32  # finds the installed model
"$folder/prefix/bin/adaq-sweep" "$folder/prefix/share/adaq/tables/schemes.json" --out "$folder/out" --val-images 50 \
    --only "absmax, layer / W8" 2>/dev/null | grep "2 of 56 cells done" >/dev/null  # and the tables are there
echo "installed, linked against, run"
