// Networks of full size with made-up parameters, for walks over them that compute nothing.
#pragma once

#include "engine/graph/network.h"
#include "loaders/architectures/resnet.h"

namespace adaq::test {

inline StoredModel make_model(const ResNet& network) {
    StoredModel model;
    model.graph = resnet_graph(network);
    uint32_t state = 1;
    for (const NamedShape& named : parameters_of(model.graph)) {
        Tensor tensor(named.shape);
        for (float& v : tensor.values) {
            state = state * 1664525u + 1013904223u;
            v = static_cast<float>(state >> 8 | 1u) * 0x1p-24f;
        }
        model.tensors[named.name] = std::move(tensor);
    }
    return model;
}

/// ResNet-18 or -50 for 1,000 classes.
inline const StoredModel& resnet(int depth) {
    static const StoredModel resnet18 = make_model({BlockKind::basic, {2, 2, 2, 2}, 64, 1000, 3});
    static const StoredModel resnet50 = make_model({BlockKind::bottleneck, {3, 4, 6, 3}, 64, 1000, 3});
    return depth == 18 ? resnet18 : resnet50;
}

/// Rounded to nearest with made-up scales, as they are not to be had of a device that computes nothing.
inline Network with_codes(Network network) {
    for (Layer& layer : network.layers)
        layer.codes = LayerCodes{{4, false},
                                 "minmax",
                                 std::vector<float>(static_cast<size_t>(layer.channels()), 0.125f),
                                 std::vector<float>(static_cast<size_t>(layer.channels()), 7.0f),
                                 std::vector<float>(layer.weight.values.size())};
    return network;
}

}  // namespace adaq::test
