// Every operation but convolutions and fully connected layers, through the device as the engine uses it, at the shapes
// of ResNet18's activations and weights: GB/s of what it must read and write, and the share of what copying reaches.
#pragma once

#include <string>
#include <vector>

#include "engine/program/device.h"
#include "tools/bench/timing.h"

namespace adaq {

struct OperationBench : Measuring {
    OperationBench() : Measuring{0.1} {}

    int image = 224;  // edge of the square image, pixels
    std::vector<int> batches{32, 128};
    std::string device = "cpu";  // or "cuda"
    Math math = Math::f32;
    std::string operations;  // only those whose name contains this
};

/// Prints a table, a row an operation and shape. Returns the exit status 0; throws UsageError where no operation is
/// left.
int bench_operations(const OperationBench& bench);

}  // namespace adaq
