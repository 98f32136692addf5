// What a network's name says of its size, which its tensors have to bear out: "resnext50_32x4d" has 50 layers and 32
// groups of 4 channels.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace adaq {

enum class SizeOf {
    layers,       // convolutions and fully connected layers, shortcuts' aside
    groups,       // of a bottleneck's 3x3 convolution
    group_width,  // channels of such a group in the first stage
    widening,     // a bottleneck's inner channels in the first stage, in percent of the stem's
    norms,        // 1: there are batch norms
    blocks,       // of all stages
    last_width    // channels of the last stage
};

/// By a network's tensors.
using NetworkSize = std::map<SizeOf, int64_t>;

struct SizeInName {
    SizeOf of = SizeOf::layers;
    int64_t value = 0;
    std::string text = {};  // "50 layers"
};

/// What the first of a name's facts says that does not hold of the tensors, "50 layers"; "" if all do.
std::string contradicted(const std::vector<SizeInName>& name, const NetworkSize& tensors);

}  // namespace adaq
