// The graph of torchvision's ResNets; see resnet.h.
#include <fmt/format.h>

#include "engine/graph/node_kind.h"
#include "loaders/architectures/resnet.h"

namespace adaq {
namespace {

/// "layer1.0.conv2" -> "layer1.0.bn2", "layer1.0.downsample.0" -> "layer1.0.downsample.1".
std::string batch_norm_of(const std::string& convolution) {
    if (convolution.ends_with(".0")) return convolution.substr(0, convolution.size() - 1) + "1";
    const size_t conv = convolution.rfind("conv");
    return convolution.substr(0, conv) + "bn" + convolution.substr(conv + 4);
}

class Builder {
  public:
    explicit Builder(const ResNet& network) : network_(network) {
        graph_.input_channels = network.input_channels;
        graph_.description = describe(network);
    }

    Graph build() {
        begin_unit("stem");
        ValueId x = relu("relu", convolution("conv1", kImage, network_.input_channels, network_.width, {7, 2, 3}));
        end_unit();
        x = append("max_pool", "maxpool", {x},
                   {{"kernel", pair(3)}, {"stride", pair(2)}, {"padding", std::vector<int64_t>(4, 1)}});
        channels_ = network_.width;
        for (size_t stage = 0; stage < network_.blocks.size(); ++stage) {
            planes_ = int64_t{network_.width} << stage;
            for (int i = 0; i < network_.blocks[stage]; ++i)
                x = block(fmt::format("layer{}.{}", stage + 1, i), x, stage > 0 && i == 0 ? 2 : 1);
        }
        x = append("global_average_pool", "avgpool", {x}, {});
        begin_unit("head");
        append("linear", "fc", {x},
               {{"inputs", channels_},
                {"outputs", int64_t{network_.classes}},
                {"bias", int64_t{network_.head_bias ? 1 : 0}}});
        end_unit();
        find_units(graph_);
        return std::move(graph_);
    }

  private:
    struct Square {
        int64_t kernel, stride, padding;
    };

    static std::vector<int64_t> pair(int64_t value) { return {value, value}; }

    ValueId block(const std::string& name, ValueId x, int64_t stride) {
        begin_unit(name);
        const int64_t inputs = channels_;
        ValueId y = x;
        if (network_.block == BlockKind::basic) {
            channels_ = planes_;
            y = relu(name + ".relu", convolution(name + ".conv1", y, inputs, planes_, {3, stride, 1}));
            y = convolution(name + ".conv2", y, planes_, planes_, {3, 1, 1});
        } else {  // v1.5: the 3x3 convolution strides
            channels_ = 4 * planes_;
            y = relu(name + ".relu1", convolution(name + ".conv1", y, inputs, planes_, {1, 1, 0}));
            y = relu(name + ".relu2", convolution(name + ".conv2", y, planes_, planes_, {3, stride, 1}));
            y = convolution(name + ".conv3", y, planes_, channels_, {1, 1, 0});
        }
        ValueId shortcut = x;
        if (stride != 1 || inputs != channels_)
            shortcut = convolution(name + ".downsample.0", x, inputs, channels_, {1, stride, 0}, name + ".downsample");
        const ValueId output = relu(name + ".relu_out", append("add", name, {y, shortcut}, {}));
        end_unit();
        return output;
    }

    /// With its batch norm. `output`: the name of its value, where that is not its own.
    ValueId convolution(const std::string& name, ValueId x, int64_t inputs, int64_t outputs, const Square& window,
                        const std::string& output = "") {
        Attributes attributes{{"inputs", inputs},
                              {"outputs", outputs},
                              {"kernel", pair(window.kernel)},
                              {"stride", pair(window.stride)},
                              {"padding", std::vector<int64_t>(4, window.padding)},
                              {"dilation", pair(1)},
                              {"groups", int64_t{1}},
                              {"bias", int64_t{network_.folded ? 1 : 0}}};
        if (network_.folded) attributes["norm"] = batch_norm_of(name);
        const ValueId y = append("convolution", name, {x}, std::move(attributes));
        graph_.nodes.back().output = output;
        if (network_.folded) return y;
        return append("batch_norm", batch_norm_of(name), {y}, {{"channels", outputs}, {"epsilon", 1e-5}});
    }
    ValueId relu(const std::string& name, ValueId x) { return append("activation", name, {x}, {{"lowest", 0.0}}); }

    /// Values of one sum, its norm and its activation have one random stream: a number a sum or pool, from 1 on.
    ValueId append(const char* kind, const std::string& name, std::vector<ValueId> inputs, Attributes attributes) {
        const std::string_view word = kind;
        if (word != "batch_norm" && word != "activation") ++stream_;
        graph_.nodes.push_back({&node_kind(kind), name, std::move(inputs), std::move(attributes), unit_, stream_});
        return graph_.node_count();
    }

    void begin_unit(const std::string& name) {
        unit_ = static_cast<int>(graph_.units.size());
        Unit unit{name};
        unit.stream = static_cast<uint32_t>(unit_);
        graph_.units.push_back(unit);
    }
    void end_unit() { unit_ = -1; }

    const ResNet& network_;
    Graph graph_;
    int unit_ = -1;
    uint32_t stream_ = 0;
    int64_t channels_ = 0, planes_ = 0;
};

}  // namespace

std::string describe(const ResNet& network) {
    const bool basic = network.block == BlockKind::basic;
    int layers = 2;  // the stem and fc
    std::string blocks;
    for (int count : network.blocks) {
        layers += count * (basic ? 2 : 3);
        blocks += (blocks.empty() ? "" : "-") + std::to_string(count);
    }
    return fmt::format("ResNet-{} ({} blocks {}, width {}, {} classes{})", layers, basic ? "basic" : "bottleneck",
                       blocks, network.width, network.classes, network.input_channels == 1 ? ", grey input" : "");
}

Graph resnet_graph(const ResNet& network) { return Builder(network).build(); }

}  // namespace adaq
