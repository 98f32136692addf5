// Images per second of a whole ResNet, float and quantised, from images in host memory to logits in host memory.
#pragma once

#include <string>
#include <vector>

#include "tools/bench/timing.h"

namespace adaq {

struct NetworkBench : Measuring {
    NetworkBench() : Measuring{3.0} {}

    std::string weights;  // file; empty: ResNet18 with random weights
    /// Image edge (pixels) and batch, pair by pair.
    std::vector<int> images, batches;
    bool quantised = true;  // also W4A8, which is as fast whatever the scheme
};

/// Prints a row for each network and size. Returns the exit status 0; throws UsageError where images and batches do not
/// pair, DataError for a bad file.
int bench_network(const NetworkBench& bench);

}  // namespace adaq
