// A tensor of the CUDA device: float32 or bf16 in its logical order, in the card's memory or, spilled, in the host's,
// which kernels reach at the same address.
#pragma once

#include "engine/device.h"
#include "kernels/cuda/memory.h"

namespace adaq::cuda {

inline size_t bytes_of(const Shape& shape, Dtype dtype) {
    return static_cast<size_t>(element_count(shape)) * (dtype == Dtype::bf16 ? 2 : 4);
}

struct CudaTensor : DeviceTensor {
    CudaTensor(const Shape& shape, Dtype dtype, Placement placement)
        : DeviceTensor(shape, dtype), memory(bytes_of(shape, dtype), placement == Placement::spilled) {}
    DeviceMemory memory;
};

}  // namespace adaq::cuda
