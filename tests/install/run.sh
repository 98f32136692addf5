#!/usr/bin/env bash
# Installs a build into a temporary prefix, builds the program beside this script against it, and runs that and adaq-run from there.
#   run.sh BUILD_DIR [CMAKE_OPTION...]
set -euo pipefail
build=$1
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cmake --install "$build" --prefix "$folder/prefix" >/dev/null
cmake -G Ninja -S "$here" -B "$folder/build" -DCMAKE_PREFIX_PATH="$folder/prefix" "${@:2}" >/dev/null
# Public headers alone, which include nothing else.
test "$(ls "$folder/prefix/include")" = adaq
cmake --build "$folder/build" >/dev/null
weights=$folder/prefix/share/adaq/weights/fashion-resnet18.bin
"$folder/build/user" "$weights" /usr/share/datasets/fashion-mnist "$folder/q.bin" | grep -q "^W3A8: "
test -s "$folder/q.bin"
# The first test image is an ankle boot. Sessions name it, in C++ and in C.
zcat -f /usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte* >"$folder/images"
{ printf 'P5 28 28 255\n' && dd if="$folder/images" bs=16 skip=1 count=49 status=none; } >"$folder/boot.pgm"
"$folder/build/classify" "$folder/q.bin" "$folder/boot.pgm" >"$folder/classes"
grep -q "^Ankle boot  0\.[89]" "$folder/classes"
"$folder/build/run_from_c" "$folder/q.bin" "$folder/boot.pgm" >"$folder/class" 2>"$folder/about"
grep -qx "9 Ankle boot" "$folder/class"
grep -Eqx "adaq [0-9]+\.[0-9]+\.[0-9]+, in integers, [1-9][0-9]* bytes of weights" "$folder/about"
if "$folder/build/run_from_c" "$folder/q.bin" "$folder/q.bin" 2>/dev/null; then exit 1; fi
"$folder/prefix/bin/adaq-convert" "$folder/q.bin" "$folder/q.safetensors" >/dev/null
test -s "$folder/q.encodings.json"
"$folder/prefix/bin/adaq-convert" "$folder/q.bin" "$folder/q.onnx" --for ort >/dev/null 2>&1
test -s "$folder/q.onnx"
"$folder/prefix/bin/adaq-run" --a32 --val-images 50 | grep -q W3A32  # finds the installed model
"$folder/prefix/bin/adaq-sweep" "$folder/prefix/share/adaq/tables/schemes.json" --out "$folder/out" --val-images 50 \
    --only "absmax, layer / W8" 2>/dev/null | grep "2 of 56 cells done" >/dev/null  # and the tables are there
echo "installed, linked against, run"
