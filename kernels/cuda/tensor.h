// A tensor of the CUDA device: float32 or bf16 in device memory, in its logical order.
#pragma once

#include "engine/device.h"
#include "kernels/cuda/memory.h"

namespace adaq::cuda {

inline size_t bytes_of(const Shape& shape, Dtype dtype) {
    return static_cast<size_t>(element_count(shape)) * (dtype == Dtype::bf16 ? 2 : 4);
}

struct CudaTensor : DeviceTensor {
    CudaTensor(const Shape& shape, Dtype dtype) : DeviceTensor(shape, dtype), memory(bytes_of(shape, dtype)) {}
    DeviceMemory memory;
};

}  // namespace adaq::cuda
