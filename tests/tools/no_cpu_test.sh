#!/usr/bin/env bash
# What is built without the CPU device (ADAQ_CPU=OFF: for cards without our packages, and to fuzz parsers) uses nothing of
# it, but behind ADAQ_NO_CPU. tests/tools/no_cpu_test.sh: exits 1, naming each line, where something does.
set -euo pipefail
cd "$(dirname "$0")/../.."
find adaq engine loaders report kernels tools -type f | grep -E '\.(h|cpp|cu|cuh)$' |
    grep -vE '^kernels/cpu/|^tools/bench/(onednn/|integer[a-z_]*\.|bench_integer\.cpp$)' |
    xargs awk '
        FNR == 1 { depth = hidden = without = 0 }
        /^#if/ { ++depth }
        /^#if !defined\(ADAQ_NO_CPU\)/ { hidden = depth }
        /^#if defined\(ADAQ_NO_CPU\)/ { without = depth }
        /^#(else|endif)/ && hidden == depth { hidden = 0 }
        /^#else/ && without == depth { hidden = depth }
        /^#endif/ { if (without == depth) without = 0; --depth }
        !hidden && /cpu::|"kernels\/cpu\// { print FILENAME ":" FNR ": " $0; found = 1 }
        END { exit found }'
