// The CPU's convolutions on codes of 8 bits or fewer by themselves, at ResNet18's shapes: multiply-adds a second, the
// share of what this machine's instructions can do, and oneDNN's u8 by s8 convolution beside it. Both write codes:
// scale, shift, ReLU and quantiser are fused (oneDNN multiplies where ours divides beside ties).
#pragma once

#include <string>
#include <vector>

#include "tools/bench/timing.h"

namespace adaq {

struct IntegerBench : Measuring {
    IntegerBench() : Measuring{0.2, 1} {}

    std::vector<int> images{224};  // edge of the square image, pixels
    std::vector<int> batches{1, 8};
    int bits = 8;                // of codes and of their weights
    std::string sums = "codes";  // or in-order, exact: of floats
    std::string level;           // of instructions; empty: the best
    std::string layers;          // only layers whose name contains this
};

/// Prints a table, a row a distinct shape, and what all layers take together. Returns the exit status 0; throws
/// UsageError where no layer is left or the processor lacks the level.
int bench_integer(const IntegerBench& bench);

}  // namespace adaq
