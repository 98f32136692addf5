// The graph of torchvision's ResNets; see resnet.h.
#include <fmt/format.h>

#include "loaders/architectures/graph_builder.h"
#include "loaders/architectures/resnet.h"

namespace adaq {
namespace {

/// "layer1.0.conv2" -> "layer1.0.bn2", "layer1.0.downsample.0" -> "layer1.0.downsample.1".
std::string batch_norm_of(const std::string& convolution) {
    if (convolution.ends_with(".0")) return convolution.substr(0, convolution.size() - 1) + "1";
    const size_t conv = convolution.rfind("conv");
    return convolution.substr(0, conv) + "bn" + convolution.substr(conv + 4);
}

/// A stage's first block strides, or, where its map is to stay as large, the windows of all that follow widen.
struct Stage {
    int64_t planes, inner, stride;
    int64_t first_dilation, dilation;  // of the first block and of the others
};

class ResNetBuilder {
  public:
    explicit ResNetBuilder(const ResNet& network)
        : network_(network), graph_(describe(network), network.input_channels, network.folded) {}

    Graph build() {
        graph_.begin_unit("stem");
        ValueId x = graph_.relu("relu", convolution("conv1", kImage, network_.input_channels, network_.width, 7, 2));
        graph_.end_unit();
        x = graph_.max_pool("maxpool", x, 3, 2, 1);
        channels_ = network_.width;
        int64_t reduction = 4, dilation = 1;  // of the image by stem and pool
        for (size_t stage = 0; stage < network_.blocks.size(); ++stage) {
            Stage s{int64_t{network_.width} << stage, network_.inner_width() << stage, stage > 0 ? 2 : 1, dilation,
                    dilation};
            if (s.stride == 2 && reduction >= network_.output_stride) {
                s.stride = 1;
                s.dilation = dilation *= 2;
            }
            reduction *= s.stride;
            for (int i = 0; i < network_.blocks[stage]; ++i)
                x = block(fmt::format("layer{}.{}", stage + 1, i), x, s, i == 0);
        }
        graph_.pooled_head("fc", x, channels_, network_.classes, network_.head_bias);
        return graph_.finish();
    }

  private:
    ValueId block(const std::string& name, ValueId x, const Stage& stage, bool first) {
        graph_.begin_unit(name);
        const int64_t inputs = channels_, stride = first ? stage.stride : 1;
        const int64_t dilation = first ? stage.first_dilation : stage.dilation;
        ValueId y = x;
        if (network_.block == BlockKind::basic) {
            channels_ = stage.planes;
            y = graph_.relu(name + ".relu",
                            convolution(name + ".conv1", y, inputs, stage.planes, 3, stride, 1, dilation));
            y = convolution(name + ".conv2", y, stage.planes, stage.planes, 3, 1, 1, stage.dilation);
        } else {  // v1.5: the 3x3 convolution strides
            channels_ = 4 * stage.planes;
            y = graph_.relu(name + ".relu1", convolution(name + ".conv1", y, inputs, stage.inner, 1, 1));
            y = graph_.relu(name + ".relu2", convolution(name + ".conv2", y, stage.inner, stage.inner, 3, stride,
                                                         network_.groups, dilation));
            y = convolution(name + ".conv3", y, stage.inner, channels_, 1, 1);
        }
        ValueId shortcut = x;
        if (stride != 1 || inputs != channels_)
            shortcut = convolution(name + ".downsample.0", x, inputs, channels_, 1, stride, 1, 1, name + ".downsample");
        const ValueId output = graph_.relu(name + ".relu_out", graph_.add(name, y, shortcut));
        graph_.end_unit();
        return output;
    }

    ValueId convolution(const std::string& name, ValueId x, int64_t inputs, int64_t outputs, int64_t kernel,
                        int64_t stride, int64_t groups = 1, int64_t dilation = 1, const std::string& output = "") {
        return graph_.convolution(
            {name, batch_norm_of(name), inputs, outputs, kernel, stride, groups, dilation, output}, x);
    }

    const ResNet& network_;
    GraphBuilder graph_;
    int64_t channels_ = 0;
};

}  // namespace

std::string describe(const ResNet& network) {
    const bool basic = network.block == BlockKind::basic, grouped = network.groups > 1;
    const int64_t inner = network.inner_width();
    int layers = 2;  // the stem and fc
    std::string blocks, inside;
    for (int count : network.blocks) {
        layers += count * (basic ? 2 : 3);
        blocks += (blocks.empty() ? "" : "-") + std::to_string(count);
    }
    if (grouped)
        inside = fmt::format(", {} groups of {} channels", network.groups, inner / network.groups);
    else if (inner != network.width)
        inside = fmt::format(", {} channels within", inner);
    if (network.output_stride < ResNet::kUsualStride)
        inside += fmt::format(", output stride {}", network.output_stride);
    const char* const name = grouped ? "ResNeXt" : inner != network.width ? "Wide ResNet" : "ResNet";
    return fmt::format("{}-{} ({} blocks {}{}, width {}, {} classes{})", name, layers, basic ? "basic" : "bottleneck",
                       blocks, inside, network.width, network.classes,
                       network.input_channels == 1 ? ", grey input" : "");
}

Graph resnet_graph(const ResNet& network) { return ResNetBuilder(network).build(); }

}  // namespace adaq
