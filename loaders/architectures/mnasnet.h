// MNASNet of any depth multiplier (torchvision's MnasNet-B1; arXiv 1807.11626): inverted residuals with ReLU, with
// windows of 3 and 5.
#pragma once

#include <string>
#include <vector>

#include "loaders/architectures/inverted_residual.h"

namespace adaq {

struct MnasNet {
    int stem = 32;
    int separable = 16;  // output channels behind the depthwise convolution that follows the stem
    std::vector<std::vector<InvertedResidual>> stages;
    int last = 1280;
    int classes = 1000;
    int input_channels = 3;
    bool folded = false;
    bool head_bias = true;

    bool operator==(const MnasNet&) const = default;
};

/// "MNASNet (blocks 3-3-3-2-4-1, widths 32-16-24-40-80-96-192-320-1280, 1000 classes)".
std::string describe(const MnasNet& network);

/// Parameters bear torchvision's names; units are the stem, the depthwise pair behind it, each inverted residual, the
/// last convolution and the head.
Graph mnasnet_graph(const MnasNet& network);

RecognisedNetwork recognise_mnasnet(NamedTensors tensors);

}  // namespace adaq
