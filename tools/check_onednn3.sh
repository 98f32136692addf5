#!/bin/sh
# Builds adaq with oneDNN 3.x, which Debian 12 does not have, and runs the tests of everything that computes with it.
# Takes oneDNN from PyPI into a temporary folder, which is removed: 3.2 to build and run with, and the headers of the
# newest release to compile with (its library wants the SYCL runtime). Needs pip and a connection.
#
#     tools/check_onednn3.sh
set -eu
source_folder=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# unpack FOLDER REQUIREMENT...: the wheels' own files, as they would be installed
unpack() {
    folder=$1
    shift
    python3 -m pip download --quiet --no-deps --dest "$work/wheels-$folder" "$@"
    for wheel in "$work/wheels-$folder"/*.whl; do
        python3 -m zipfile -e "$wheel" "$work/files-$folder"
    done
    mkdir -p "$work/$folder"
    cp -r "$work/files-$folder"/*.data/data/* "$work/$folder"
}

unpack library onednn-cpu-gomp onednn-devel-cpu-gomp
unpack newest onednn-devel

echo "compiling kernels/cpu with the newest headers"
for file in "$source_folder"/kernels/cpu/*.cpp; do
    c++ -std=c++20 -fopenmp -Wall -Wextra -Wshadow -Wpedantic -Werror -fsyntax-only -I"$source_folder" \
        -isystem "$work/newest/include" "$file"
done

echo "building and testing with the library"
cmake -S "$source_folder" -B "$work/build" -DCMAKE_BUILD_TYPE=Release -DADAQ_WERROR=ON \
    -Ddnnl_DIR="$work/library/lib/cmake/dnnl" >"$work/cmake.log" || { cat "$work/cmake.log"; exit 1; }
cmake --build "$work/build" --parallel "$(nproc)" --target adaq-tests
"$work/build/tests/adaq-tests" --source-file='*tests/kernels/*,*tests/engine/*'
