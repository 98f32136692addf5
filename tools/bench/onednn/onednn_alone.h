// A convolution by oneDNN alone, the yardstick beside ours: every tensor in the layout that the primitive likes best,
// no reorders, nothing fused.
#pragma once

#include <cstdint>
#include <functional>

#include "engine/program/device.h"
#include "tools/bench/convolution_sizes.h"

namespace adaq {

/// Runs it once a call, with as many threads as OpenMP has when it is made. Empty where oneDNN has no such convolution
/// on this processor.
std::function<void()> onednn_alone(const ConvolutionSizes& sizes, Direction direction, Math math);

/// The forward convolution of 8-bit codes by signed 8-bit weights, with a scale a channel and a ReLU fused; it writes
/// codes.
std::function<void()> onednn_codes_alone(const ConvolutionSizes& sizes);

}  // namespace adaq
