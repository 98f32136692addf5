// Images per second of a whole ResNet, float and quantised, from images in host memory to logits in host memory.
#pragma once

#include <string>
#include <vector>

namespace adaq {

struct NetworkBench {
    std::string weights;  // file; empty: ResNet18 with random weights
    /// Image edge (pixels) and batch, pair by pair.
    std::vector<int> images, batches;
    double seconds = 3.0;   // a row
    bool quantised = true;  // also W4A8, which is as fast whatever the scheme
    int threads = 0;        // 0: all cores
    std::string json;       // file; empty: none
};

/// Prints a row for each network and size. Returns the exit status 0; throws UsageError where images and batches do not
/// pair, DataError for a bad file.
int bench_network(const NetworkBench& bench);

}  // namespace adaq
