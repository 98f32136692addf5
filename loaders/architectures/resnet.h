// torchvision's ResNets, ResNeXts and wide ResNets (v1.5 strides: a bottleneck strides in its 3x3 convolution; 7x7
// stride-2 stem and 3x3 max pool): their graph, and how a state dict is recognised as one.
#pragma once

#include <string>
#include <vector>

#include "loaders/architectures/named_tensors.h"

namespace adaq {

enum class BlockKind { basic, bottleneck };

struct ResNet {
    static constexpr int kUsualStride = 1 << 20;  // each stage but the first strides

    BlockKind block = BlockKind::basic;
    std::vector<int> blocks;  // per stage, e.g. {2, 2, 2, 2}
    int width = 64;           // output channels of the stem
    int classes = 1000;
    int input_channels = 3;
    bool folded = false;               // no batch norms: convolutions have biases
    bool head_bias = true;             // of the last layer
    int groups = 1;                    // of a bottleneck's 3x3 convolution (ResNeXt)
    int inner = 0;                     // its channels in the first stage; 0: as many as the stem has
    int output_stride = kUsualStride;  // of the image by the last map: at 8 or 16 the stages behind widen their windows

    int64_t inner_width() const { return inner > 0 ? inner : width; }
    bool operator==(const ResNet&) const = default;
};

/// For people: "ResNet-18 (basic blocks 2-2-2-2, width 64, 1000 classes)".
std::string describe(const ResNet& network);

/// Parameters bear torchvision's names; units are the stem, each block and the head.
Graph resnet_graph(const ResNet& network);

/// The ResNet whose tensors have these shapes: with batch norms or folded; the last layer called fc, fc.1 (behind a
/// dropout), head.fc, classifier.1 or alike, with or without a bias. DataError naming the file and the tensor at fault:
/// one missing, one unexpected, a wrong shape, or another kind of network (a CIFAR stem, a transformer, ...).
/// output_stride: as above, for shapes do not tell.
RecognisedNetwork recognise_resnet(NamedTensors tensors, int output_stride = ResNet::kUsualStride);

}  // namespace adaq
