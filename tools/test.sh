#!/usr/bin/env bash
# All tests on a fresh machine: installs what is needed, builds everything, runs every suite. A preset of CMakePresets.json
# may be named: tools/test.sh sanitize
set -euo pipefail
cd "$(dirname "$0")/.."
preset=${1:-release}
tools/packages.sh
cmake --preset "$preset" >/dev/null
cmake --build --preset "$preset"
# Tests run side by side: a thread that waits must not spin where another could work.
export OMP_WAIT_POLICY=passive
ctest --test-dir "build/$preset" --output-on-failure -j "$(nproc)"
