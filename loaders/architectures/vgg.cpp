#include "loaders/architectures/vgg.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "engine/error.h"
#include "loaders/architectures/graph_builder.h"

namespace adaq {
namespace {

constexpr const char* kExpectedVgg = "a torchvision VGG";

/// The numbers N of "prefixN.weight" with so many axes, ascending.
std::vector<int> indices_of(const NamedTensors& tensors, const std::string& prefix, size_t rank) {
    constexpr int kMost = 1000;
    std::vector<int> found;
    for (int i = 0; i < kMost; ++i) {
        const auto weight = tensors.shapes().find(fmt::format("{}{}.weight", prefix, i));
        if (weight != tensors.shapes().end() && weight->second.size() == rank) found.push_back(i);
    }
    return found;
}

/// Convolution, perhaps norm, ReLU, perhaps pool: how far apart convolutions stand tells which of them there are.
void read_convolutions(const NamedTensors& tensors, Vgg& network) {
    const std::vector<int> indices = indices_of(tensors, "features.", 4);
    const auto gap_of = [&](int gap) {
        for (size_t i = 1; i < indices.size(); ++i)
            if (indices[i] - indices[i - 1] == gap) return true;
        return false;
    };
    network.norms = tensors.has_below("features.1.") || gap_of(4);
    network.folded = network.norms && tensors.is_folded("features.0", "features.1");
    const int apart = network.norms ? 3 : 2;
    if (!tensors.has_below("features.1.") && !gap_of(2) && !gap_of(4))
        data_error(
            "{}: convolutions at every third of the features, without batch norms: whether there were norms or "
            "are pools is not to be told",
            tensors.file());
    network.stages.emplace_back();
    for (size_t i = 0; i < indices.size(); ++i) {
        const int gap = i == 0 ? apart : indices[i] - indices[i - 1];
        if (gap == apart + 1)
            network.stages.emplace_back();
        else if (gap != apart)
            data_error("{}: features.{} stands {} behind the convolution before it, expected {} or, with a pool, {}",
                       tensors.file(), indices[i], gap, apart, apart + 1);
        network.stages.back().push_back(tensors.extent(fmt::format("features.{}.weight", indices[i]), 4, 0));
    }
}

void read_layers(NamedTensors& tensors, Vgg& network) {
    network.indices = indices_of(tensors, "classifier.", 2);
    if (network.indices.empty()) {
        tensors.call_head("classifier.0", kExpectedVgg);
        network.indices = {0};
    }
    for (int index : network.indices)
        network.hidden.push_back(tensors.extent(fmt::format("classifier.{}.weight", index), 2, 0));
    network.classes = network.hidden.back();
    network.hidden.pop_back();
    const std::string first = fmt::format("classifier.{}.weight", network.indices[0]);
    const int64_t inputs = tensors.telling_shape(first, 2)[1], channels = network.stages.back().back();
    const auto side =
        static_cast<int64_t>(std::lround(std::sqrt(static_cast<double>(inputs) / static_cast<double>(channels))));
    if (side < 1 || side * side * channels != inputs)
        data_error("{}: {} takes {} inputs, expected a square map of the last convolution's {} channels",
                   tensors.file(), first, inputs, channels);
    network.map = static_cast<int>(side);
    network.head_bias = tensors.has_bias(fmt::format("classifier.{}", network.indices.back()));
}

}  // namespace

std::string describe(const Vgg& network) {
    size_t layers = network.hidden.size() + 1;
    std::vector<size_t> counts;
    std::vector<int> widths;
    for (const std::vector<int>& stage : network.stages) {
        layers += stage.size();
        counts.push_back(stage.size());
        widths.push_back(stage.back());
    }
    return fmt::format("VGG-{} (convolutions {}, widths {}, {}batch norms, {} classes{})", layers,
                       fmt::join(counts, "-"), fmt::join(widths, "-"), network.norms ? "" : "no ", network.classes,
                       network.input_channels == 1 ? ", grey input" : "");
}

Graph vgg_graph(const Vgg& network) {
    GraphBuilder graph(describe(network), network.input_channels, network.folded);
    ValueId x = kImage;
    int64_t channels = network.input_channels;
    int index = 0;
    for (const std::vector<int>& stage : network.stages) {
        for (size_t i = 0; i < stage.size(); ++i) {
            const std::string name = fmt::format("features.{}", index);
            const bool stem = index == 0;
            // The stem stands alone, the others in pairs.
            const size_t in_stage = &stage == &network.stages[0] ? i - 1 : i;
            if (stem || in_stage % 2 == 0) graph.begin_unit(stem ? "stem" : name);
            NormedConvolution convolution{name, "", channels, stage[i], 3};
            convolution.bias = true;
            if (network.norms) convolution.norm = fmt::format("features.{}", index + 1);
            index += network.norms ? 3 : 2;
            x = graph.relu(fmt::format("features.{}", index - 1), graph.convolution(convolution, x));
            channels = stage[i];
        }
        graph.end_unit();
        x = graph.max_pool(fmt::format("features.{}", index++), x, 2, 2, 0);
    }
    int64_t inputs = channels * network.map * network.map;
    for (size_t i = 0; i < network.indices.size(); ++i) {
        const bool last = i + 1 == network.indices.size();
        const std::string name = fmt::format("classifier.{}", network.indices[i]);
        const int64_t outputs = last ? network.classes : network.hidden[i];
        graph.begin_unit(last ? "head" : name);
        x = graph.linear(name, x, inputs, outputs, !last || network.head_bias, i == 0 ? network.map : 0,
                         i == 0 ? "avgpool" : "");
        if (!last) x = graph.relu(name + ".relu", x);
        graph.end_unit();
        inputs = outputs;
    }
    return graph.finish();
}

RecognisedNetwork recognise_vgg(NamedTensors tensors) {
    Vgg network;
    const Shape& stem = tensors.telling_shape("features.0.weight", 4);
    if (stem[2] != 3 || stem[3] != 3)
        data_error("{}: features.0.weight is {}x{}, expected the 3x3 of {}", tensors.file(), stem[2], stem[3],
                   kExpectedVgg);
    network.input_channels = tensors.image_channels("features.0");
    read_convolutions(tensors, network);
    read_layers(tensors, network);
    int64_t convolutions = 0;
    for (const std::vector<int>& stage : network.stages) convolutions += std::ssize(stage);
    constexpr int64_t kFullyConnected = 3;  // torchvision's; others are counted as if they had as many
    RecognisedNetwork found = std::move(tensors).recognised(vgg_graph(network));
    found.size = {{SizeOf::layers, convolutions + kFullyConnected}, {SizeOf::norms, network.norms ? 1 : 0}};
    return found;
}

}  // namespace adaq
