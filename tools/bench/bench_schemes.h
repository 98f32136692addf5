// Range schemes on the weights of a model: what they choose and how long it takes. tools/compare_schemes.py reads the
// output and sets it beside the yardstick's.
#pragma once

#include <string>
#include <vector>

namespace adaq {

struct SchemeBench {
    std::string weights;               // any file that load_weights reads
    std::vector<std::string> tensors;  // names; empty: every convolution and fully connected weight
    std::vector<std::string> schemes;  // empty: all
    std::vector<int> bits{4, 8};
    std::vector<std::string> granularities{"channel", "layer"};
    int channels = 0;  // only the first so many output channels of each tensor; 0: all
    int threads = 0;   // 0: all cores
};

/// Prints one line of JSON per tensor, scheme, bits and granularity: tensor, shape, scheme, bits, granularity,
/// one_sided, scale, zero_point, score, seconds. Returns 0.
int bench_schemes(const SchemeBench& bench);

}  // namespace adaq
