// VGG, with batch norms or without (torchvision's; arXiv 1409.1556): 3x3 convolutions with max pools between them, and
// fully connected layers that read the last map flattened.
#pragma once

#include <string>
#include <vector>

#include "loaders/architectures/named_tensors.h"

namespace adaq {

struct Vgg {
    std::vector<std::vector<int>> stages;  // output channels of the convolutions before each pool
    bool norms = true;
    int map = 7;               // rows and columns of the last map
    std::vector<int> hidden;   // outputs of the fully connected layers but for the last
    std::vector<int> indices;  // of the fully connected layers within torchvision's classifier: 0, 3, 6
    int classes = 1000;
    int input_channels = 3;
    bool folded = false;
    bool head_bias = true;

    bool operator==(const Vgg&) const = default;
};

/// "VGG-16 (convolutions 2-2-3-3-3, widths 64-128-256-512-512, batch norms, 1000 classes)".
std::string describe(const Vgg& network);

/// Parameters bear torchvision's names; units are the stem, one or two convolutions between pools, and each fully
/// connected layer, the last of them the head. torchvision's adaptive pool is named by the first fully connected layer:
/// the network takes images whose last map has the size that this pool gives (224x224 for 7x7), and is fitted to others
/// (adaptive_pool.h).
Graph vgg_graph(const Vgg& network);

RecognisedNetwork recognise_vgg(NamedTensors tensors);

}  // namespace adaq
