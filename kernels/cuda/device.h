// Makes the CUDA device: hand-written kernels, replayed as CUDA graphs.
#pragma once

#include <memory>
#include <optional>

#include "engine/program/device.h"
#include "kernels/cuda/convolution/choice.h"

namespace adaq::cuda {

/// Whether there is a card, and a driver for it.
bool cuda_available();

/// The first card. Throws UsageError without a card or driver, for one older than sm_75, and for arithmetic that it
/// does not have (tf32 and bf16 need sm_80). `choice` is for tests and tuning: one tile for all products. `wgmma`:
/// forward products in tf32 by sm_90's warpgroups, which no card has timed yet; off unless asked for, UsageError where
/// there are none. `limits`: those of the tests are smaller.
/// With ADAQ_CUDA_SYNC=1 in the environment the device waits for each operation, and errors name theirs.
std::unique_ptr<Device> make_cuda_device(Math math = Math::f32, std::optional<Choice> choice = std::nullopt,
                                         bool wgmma = false, const DeviceLimits& limits = kLimits);

}  // namespace adaq::cuda
