// MobileNetV2 of any width (torchvision's; arXiv 1801.04381): inverted residuals with ReLU6.
#pragma once

#include <string>
#include <vector>

#include "loaders/architectures/inverted_residual.h"

namespace adaq {

struct MobileNetV2 {
    int stem = 32;                         // output channels of the first convolution
    std::vector<InvertedResidual> blocks;  // with their strides
    int last = 1280;                       // of the last convolution
    int classes = 1000;
    int input_channels = 3;
    bool folded = false;
    bool head_bias = true;

    bool operator==(const MobileNetV2&) const = default;
};

/// "MobileNetV2 (17 inverted residuals, widths 32-16-24-32-64-96-160-320-1280, 1000 classes)".
std::string describe(const MobileNetV2& network);

/// Parameters bear torchvision's names; units are the stem, each inverted residual, the last convolution and the head.
Graph mobilenet_v2_graph(const MobileNetV2& network);

/// repeats: how many blocks each of the seven stages has, whose first one strides.
RecognisedNetwork recognise_mobilenet_v2(NamedTensors tensors, const std::vector<int>& repeats = {1, 2, 3, 4, 3, 3, 1});

}  // namespace adaq
