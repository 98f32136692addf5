// A tensor of the CUDA device: float32 or bf16 in its logical order, in the card's memory or, spilled, in the host's,
// which kernels reach at the same address.
#pragma once

#include "engine/program/device.h"
#include "kernels/cuda/memory.h"

namespace adaq::cuda {

struct CudaTensor : DeviceTensor {
    CudaTensor(const Shape& shape, DType dtype, Placement placement)
        : DeviceTensor(shape, dtype), memory(static_cast<size_t>(bytes_of(type())), placement == Placement::spilled) {}
    DeviceMemory memory;
};

}  // namespace adaq::cuda
