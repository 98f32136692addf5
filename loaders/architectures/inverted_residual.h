// The block of MobileNetV2 and MNASNet: a 1x1 convolution that widens, a depthwise one, and a 1x1 convolution that
// narrows, with nothing behind it but an addition of the block's input, where shapes allow.
#pragma once

#include <string>

#include "loaders/architectures/graph_builder.h"
#include "loaders/architectures/named_tensors.h"

namespace adaq {

enum class BlockActivation { relu, relu6 };

/// Where its convolutions and norms have their names from; expand may be empty: there is none.
struct InvertedResidualNames {
    struct Pair {
        std::string convolution, norm;
    };
    Pair expand, depthwise, project;
};

struct InvertedResidual {
    int64_t hidden = 0, outputs = 0;
    int64_t kernel = 3, stride = 1;
    bool shortcut = true;  // the input is added where shapes allow

    bool operator==(const InvertedResidual&) const = default;
};

/// A unit of that name, which reads x of so many channels.
ValueId append_inverted_residual(GraphBuilder& graph, const std::string& name, const InvertedResidualNames& names,
                                 const InvertedResidual& block, BlockActivation activation, int64_t inputs, ValueId x);

/// A convolution by itself, with its norm and activation: a unit of that name.
ValueId append_normed_unit(GraphBuilder& graph, const std::string& name, const NormedConvolution& convolution,
                           BlockActivation activation, ValueId x);

/// The sizes of a block as its tensors have them; the stride they do not tell.
InvertedResidual read_inverted_residual(const NamedTensors& tensors, const InvertedResidualNames& names,
                                        int64_t stride);

}  // namespace adaq
