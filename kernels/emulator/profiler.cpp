// See profiler.h.
#include "kernels/emulator/profiler.h"

#include "engine/error.h"

namespace {

bool collecting = false;
int stretches = 0;

}  // namespace

cudaError_t cudaProfilerStart() {
    adaq::require(!collecting, "emulator: cudaProfilerStart while the profiler collects");
    collecting = true;
    return cudaSuccess;
}

cudaError_t cudaProfilerStop() {
    adaq::require(collecting, "emulator: cudaProfilerStop without cudaProfilerStart");
    collecting = false;
    ++stretches;
    return cudaSuccess;
}

int adaq::emulator::profiled_stretches() { return stretches; }
