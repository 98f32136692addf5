// CUDA's error codes as exceptions.
#pragma once

#if defined(ADAQ_EMULATE)
#include "kernels/emulator/runtime.h"
#else
#include <cuda_runtime_api.h>
#endif

#include "engine/error.h"

namespace adaq::cuda {

/// Throws Error with CUDA's own words unless all went well.
inline void check_cuda(cudaError_t status) {
    if (status != cudaSuccess) data_error("CUDA: {}", cudaGetErrorString(status));
}

}  // namespace adaq::cuda
