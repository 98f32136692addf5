// Makes the CUDA device: hand-written kernels, replayed as CUDA graphs.
#pragma once

#include <memory>

#include "engine/device.h"

namespace adaq::cuda {

/// Whether there is a card, and a driver for it.
bool cuda_available();

/// The first card. Throws UsageError without a card or driver, for one older than sm_75, and for arithmetic that it
/// does not have (tf32 and bf16 need sm_80).
std::unique_ptr<Device> make_cuda_device(Math math = Math::f32);

}  // namespace adaq::cuda
