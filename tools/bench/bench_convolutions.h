// Every convolution of ResNet18 by itself in three directions, through the device as the engine uses it: GFLOP/s, the
// share of what the machine can do, and oneDNN or cuDNN alone in its best layout beside it (machine.h). A lone
// forward convolution is a direct sum: nothing tells it that its input is not integer codes, so that it may not go
// Winograd's way, as many do within a float network.
#pragma once

#include <string>
#include <vector>

#include "engine/program/device.h"
#include "tools/bench/direction.h"
#include "tools/bench/timing.h"

namespace adaq {

struct ConvolutionBench : Measuring {
    ConvolutionBench() : Measuring{0.2} {}

    std::vector<int> images{64, 224};  // edge of the square image, pixels
    std::vector<int> batches{1, 32, 128};
    std::vector<Direction> directions{Direction::forward};
    std::string device = "cpu";  // or "cuda"
    Math math = Math::f32;
    bool rounding = false;  // bf16: operands and results lie in float32, and operands are rounded first
    bool codes = false;     // forward alone: 8-bit codes in and out, int8 weights; without a yardstick
    bool wgmma = false;     // forward products by sm_90's warpgroups (cuda, tf32)
    std::string layers;     // only layers whose name contains this
};

/// Prints a table, a row a distinct shape and direction: layers of one shape are timed once, and `count` says how many
/// they are. Returns the exit status 0; throws UsageError where no layer is left, DataError where images are too small.
int bench_convolutions(const ConvolutionBench& bench);

}  // namespace adaq
