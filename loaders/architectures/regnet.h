// RegNetX of any size (torchvision's and pycls's; arXiv 2003.13678): bottlenecks with groups, as wide within as they
// are outside. Every stage strides in its first block, and so does the 3x3 stem.
#pragma once

#include <string>
#include <vector>

#include "loaders/architectures/named_tensors.h"

namespace adaq {

struct RegNetX {
    struct Stage {
        int blocks = 1, width = 0, group_width = 0;  // channels, and those of each group of the 3x3 convolutions
        bool operator==(const Stage&) const = default;
    };
    int stem = 32;
    std::vector<Stage> stages;
    int classes = 1000;
    int input_channels = 3;
    bool folded = false;
    bool head_bias = true;

    bool operator==(const RegNetX&) const = default;
};

/// "RegNetX (blocks 1-2-7-12, widths 32-64-160-400, groups of 16, 1000 classes)".
std::string describe(const RegNetX& network);

/// Parameters bear torchvision's names; units are the stem, each block and the head.
Graph regnet_graph(const RegNetX& network);

RecognisedNetwork recognise_regnet(NamedTensors tensors);

}  // namespace adaq
