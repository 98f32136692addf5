// Every convolution of ResNet18 by itself, through the device as the engine uses it: GFLOP/s, and the share of what the
// machine can do (peak.h). These are direct sums: nothing tells a lone convolution that its input is not integer codes,
// so that it may not go Winograd's way, as many of them do within a float network.
#pragma once

#include <string>
#include <vector>

namespace adaq {

struct ConvolutionBench {
    std::vector<int> images{64, 224};  // edge of the square image, pixels
    std::vector<int> batches{1, 32, 128};
    std::string layers;    // only layers whose name contains this
    double seconds = 0.2;  // a shape
    int threads = 0;       // 0: all cores
    std::string json;      // file; empty: none
};

/// Prints a table, a row a distinct shape: layers of one shape are timed once, and `count` says how many they are.
/// Returns the exit status 0; throws UsageError where no layer is left, DataError where images are too small.
int bench_convolutions(const ConvolutionBench& bench);

}  // namespace adaq
