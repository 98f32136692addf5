// CUDA's error codes as exceptions, which say where in the source they came up.
#pragma once

#if defined(ADAQ_EMULATE)
#include "kernels/emulator/runtime.h"
#else
#include <cuda_runtime_api.h>
#endif

#include <source_location>
#include <string>

namespace adaq::cuda {

/// Whether programs run without a graph, with a wait behind each operation, so that an error names the operation:
/// ADAQ_CUDA_SYNC=1 in the environment.
bool waits_for_each_operation();

/// "CUDA: out of memory (memory.h:21)".
std::string message_of(cudaError_t status, const std::source_location& where);

/// Throws DataError with CUDA's own words, and the place of the call, unless all went well.
void check_cuda(cudaError_t status, std::source_location where = std::source_location::current());

/// The same where a kernel that was started before may have failed: says how to find out which.
void check_finished(cudaError_t status, std::source_location where = std::source_location::current());

}  // namespace adaq::cuda
