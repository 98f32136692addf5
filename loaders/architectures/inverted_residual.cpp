#include "loaders/architectures/inverted_residual.h"

#include "engine/error.h"

namespace adaq {
namespace {

ValueId activate(GraphBuilder& graph, const std::string& convolution, BlockActivation activation, ValueId x) {
    const std::string name = convolution + ".relu";
    return activation == BlockActivation::relu6 ? graph.relu6(name, x) : graph.relu(name, x);
}

}  // namespace

ValueId append_inverted_residual(GraphBuilder& graph, const std::string& name, const InvertedResidualNames& names,
                                 const InvertedResidual& block, BlockActivation activation, int64_t inputs, ValueId x) {
    graph.begin_unit(name);
    ValueId y = x;
    if (!names.expand.convolution.empty()) {
        y = graph.convolution({names.expand.convolution, names.expand.norm, inputs, block.hidden}, y);
        y = activate(graph, names.expand.convolution, activation, y);
    }
    NormedConvolution depthwise{names.depthwise.convolution,
                                names.depthwise.norm,
                                block.hidden,
                                block.hidden,
                                block.kernel,
                                block.stride,
                                block.hidden};
    y = activate(graph, depthwise.name, activation, graph.convolution(depthwise, y));
    y = graph.convolution({names.project.convolution, names.project.norm, block.hidden, block.outputs}, y);
    if (block.shortcut && block.stride == 1 && inputs == block.outputs) y = graph.add(name, y, x);
    graph.end_unit();
    return y;
}

ValueId append_normed_unit(GraphBuilder& graph, const std::string& name, const NormedConvolution& convolution,
                           BlockActivation activation, ValueId x) {
    graph.begin_unit(name);
    x = activate(graph, convolution.name, activation, graph.convolution(convolution, x));
    graph.end_unit();
    return x;
}

InvertedResidual read_inverted_residual(const NamedTensors& tensors, const InvertedResidualNames& names,
                                        int64_t stride) {
    const Shape& depthwise = tensors.telling_shape(names.depthwise.convolution + ".weight", 4);
    const Shape& project = tensors.telling_shape(names.project.convolution + ".weight", 4);
    constexpr int64_t kLargest = 7;
    if (depthwise[2] % 2 == 0 || depthwise[2] > kLargest)
        data_error("{}: {}.weight is {}x{}, expected a window of 3 or 5", tensors.file(), names.depthwise.convolution,
                   depthwise[2], depthwise[3]);
    return {depthwise[0], project[0], depthwise[2], stride};
}

}  // namespace adaq
