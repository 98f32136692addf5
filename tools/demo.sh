#!/usr/bin/env bash
# The main job on a fresh machine: installs what is needed, builds adaq-run, and quantises the bundled model on the bundled
# data set. Options go to adaq-run: tools/demo.sh --w4 --a8 --report report.html
set -euo pipefail
cd "$(dirname "$0")/.."
tools/packages.sh
cmake --preset release >/dev/null
cmake --build --preset release --target adaq-run
build/release/adaq-run "$@"
