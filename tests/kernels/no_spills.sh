#!/bin/sh
# No kernel keeps registers in memory, on any architecture that was built, and none has its warpgroups' products made to
# wait for each other (ptxas's C7510): ptxas's reports (cmake/keep_ptxas_report.sh) in the build folder $1. With a second
# argument prints each convolution kernel's registers.
find "$1" -name '*.cu.o.ptxas' -exec cat {} + | awk -v show="${2:-}" '
    /Compiling entry function/ { kernel = $0; sub(/.*entry function ./, "", kernel); sub(/. for ./, " ", kernel); sub(/.$/, "", kernel) }
    /C7510|serialized/ { print; bad++ }
    /bytes spill stores/ { spilled = $0; sub(/.*frame, /, "", spilled); sub(/ bytes spill stores.*/, "", spilled) }
    /Used [0-9]+ registers/ {
        kernels++
        if (kernel ~ /gemm_kernel/) products++
        registers = $0; sub(/.*Used /, "", registers); sub(/ registers.*/, "", registers)
        if (spilled > 0) { print "spills " spilled " bytes: " kernel; bad++ }
        if (show != "" && kernel ~ /gemm_kernel/) print registers, kernel
    }
    END {
        if (products == 0) { print "no report of any convolution kernel"; exit 1 }
        print kernels " kernels (" products " of them convolutions), " bad + 0 " with spills or products made to wait"
        exit bad > 0
    }'
