#!/usr/bin/env bash
# Every seed of every parser under valgrind's memcheck: valgrind_seeds.sh ADAQ_TESTS
# MemorySanitizer would need every library built for it; memcheck looks into Debian's own.
set -euo pipefail
"$(dirname "$0")/../../tools/packages.sh" fuzz
export OMP_NUM_THREADS=1
# Where decoders' vector instructions read a register whole, values beyond the input's end are read but never used.
exec valgrind --quiet --error-exitcode=9 --expensive-definedness-checks=yes "$1" -ts='fuzzing seeds'
