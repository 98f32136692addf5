// See convolution_cases.h.
#include "tools/bench/convolution_cases.h"

#include <algorithm>

#include "engine/error.h"
#include "engine/graph/network.h"
#include "engine/graph/node_kind.h"
#include "engine/nodes/kinds.h"
#include "tools/bench/random_model.h"

namespace adaq {

std::vector<ConvolutionCase> resnet18_convolutions(int image, const std::string& filter) {
    const Network network = make_network(random_resnet18(), true);
    const Indexed<Shape> shapes = value_shapes(network.graph, image, image);
    std::vector<ConvolutionCase> cases;
    for (size_t i = 0; i < network.graph.nodes.size(); ++i) {
        const Node& node = network.graph.nodes[i];
        if (node.kind != &convolution_kind() || node.name.find(filter) == std::string::npos) continue;
        const ConvolutionCase found{node.name, shapes[node.inputs[0]], network.layers[node.layer].shape, shapes[i + 1],
                                    convolution_window_of(node)};
        const auto same =
            std::find_if(cases.begin(), cases.end(), [&](const auto& other) { return found.same_shape(other); });
        if (same == cases.end())
            cases.push_back(found);
        else
            ++same->count;
    }
    if (cases.empty()) usage_error("--layers {}: ResNet18 has no such convolution", filter);
    return cases;
}

nlohmann::json row_of(const ConvolutionCase& shape, int image, int batch) {
    return {{"image", image}, {"batch", batch}, {"layer", shape.layer},           {"count", shape.count},
            {"x", shape.x},   {"w", shape.w},   {"stride", shape.window.stride_h}};
}

}  // namespace adaq
