#!/usr/bin/env bash
# All tests on a fresh machine: installs what is needed, builds everything, runs every suite. A preset of CMakePresets.json
# may be named: tools/test.sh sanitize
# tools/test.sh slow [PRESET] runs the tests with ctest's label "slow" instead, which take minutes each.
set -euo pipefail
cd "$(dirname "$0")/.."
preset=${1:-release}
chosen=(-LE '^slow$')
if [ "$preset" = slow ]; then
    preset=${2:-release}
    chosen=(-L '^slow$')
fi
tools/packages.sh
cmake --preset "$preset" >/dev/null
cmake --build --preset "$preset"
# Tests run side by side: a thread that waits must not spin where another could work.
export OMP_WAIT_POLICY=passive
ctest --test-dir "build/$preset" --output-on-failure "${chosen[@]}" -j "$(nproc)"
