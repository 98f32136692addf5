// The part of CUDA's profiler API that adaq uses, as the emulator has it: it counts.
#pragma once

#include "kernels/emulator/runtime.h"

/// Both throw std::logic_error where collection is on already, or off.
cudaError_t cudaProfilerStart();
cudaError_t cudaProfilerStop();

namespace adaq::emulator {

/// How often collection was switched on and off again since the program started.
int profiled_stretches();

}  // namespace adaq::emulator
