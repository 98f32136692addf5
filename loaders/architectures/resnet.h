// torchvision's ResNets (v1.5 strides: a bottleneck strides in its 3x3 convolution; 7x7 stride-2 stem and 3x3 max
// pool): their graph, and how a state dict is recognised as one. Nothing behind this file knows of ResNets.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/graph/graph.h"

namespace adaq {

enum class BlockKind { basic, bottleneck };

struct ResNet {
    BlockKind block = BlockKind::basic;
    std::vector<int> blocks;  // per stage, e.g. {2, 2, 2, 2}
    int width = 64;           // output channels of the stem
    int classes = 1000;
    int input_channels = 3;
    bool folded = false;    // no batch norms: convolutions have biases
    bool head_bias = true;  // of the last layer

    bool operator==(const ResNet&) const = default;
};

/// For people: "ResNet-18 (basic blocks 2-2-2-2, width 64, 1000 classes)".
std::string describe(const ResNet& network);

/// Parameters bear torchvision's names; units are the stem, each block and the head.
Graph resnet_graph(const ResNet& network);

/// What a state dict was recognised as.
struct RecognisedNetwork {
    Graph graph;
    std::map<std::string, std::string> parameters;  // of the graph, by the name of the file's tensor
    std::vector<std::string> passed_over;           // tensors beside the network, by the file's name
};

/// The ResNet whose tensors have these shapes, as people have them: all under one prefix ("encoder."), with others
/// beside it that are passed over; with batch norms or folded; the last layer called fc, fc.1 (behind a dropout),
/// head.fc, classifier.1 or alike, with or without a bias. DataError naming `file` and the tensor at fault: one
/// missing, one unexpected, a wrong shape, or another kind of network (grouped convolutions, a CIFAR stem, a
/// transformer, ...). `others`: what else has a name there and is no tensor, for the sentence about one that is
/// missing.
RecognisedNetwork recognise_resnet(const std::string& file, const std::map<std::string, Shape>& shapes,
                                   const std::map<std::string, std::string>& others = {});

}  // namespace adaq
