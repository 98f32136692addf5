// A convolution by cuDNN alone, the yardstick beside ours: NHWC, the fastest algorithm that its own search finds, the
// same arithmetic (bf16: all three tensors stored as bf16), random operands, nothing fused.
#pragma once

#include <functional>

#include "engine/program/device.h"
#include "tools/bench/convolution_sizes.h"

namespace adaq::cuda {

/// "9.1.0"; empty where cuDNN is missing.
std::string cudnn_version();

/// Runs it `replays` times a call; the caller waits for the card. Empty where cuDNN is missing or has no such
/// convolution.
std::function<void()> cudnn_alone(const ConvolutionSizes& sizes, Direction direction, Math math, int replays);

}  // namespace adaq::cuda
