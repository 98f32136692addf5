#include "engine/graph.h"

#include <fmt/format.h>

#include "engine/error.h"

namespace adaq {
namespace {

class Builder {
  public:
    explicit Builder(const Model& model) : model_(model) {}

    Graph build() {
        begin_unit("stem");
        ValueId x = convolution("conv1", kImage, {7, 2, 3}, true);
        begin_unit("");
        x = append({NodeKind::max_pool, "maxpool", 0, {x}, -1, 3, 2, 1, false});
        const auto& blocks = model_.architecture.blocks;
        for (size_t stage = 0; stage < blocks.size(); ++stage) {
            for (int i = 0; i < blocks[stage]; ++i) {
                x = block(fmt::format("layer{}.{}", stage + 1, i), x, stage > 0 && i == 0 ? 2 : 1);
            }
        }
        begin_unit("");
        x = append({NodeKind::global_average_pool, "avgpool", 0, {x}, -1, 1, 1, 0, false});
        begin_unit("head");
        append({NodeKind::linear, "fc", 0, {x}, layer("fc"), 1, 1, 0, false});
        end_unit();
        return std::move(graph_);
    }

  private:
    struct Window {
        int kernel, stride, padding;
    };

    ValueId block(const std::string& name, ValueId x, int stride) {
        begin_unit(name);
        ValueId y = x;
        if (model_.architecture.block == BlockKind::basic) {
            y = convolution(name + ".conv1", y, {3, stride, 1}, true);
            y = convolution(name + ".conv2", y, {3, 1, 1}, false);
        } else {  // v1.5: the 3x3 convolution strides
            y = convolution(name + ".conv1", y, {1, 1, 0}, true);
            y = convolution(name + ".conv2", y, {3, stride, 1}, true);
            y = convolution(name + ".conv3", y, {1, 1, 0}, false);
        }
        ValueId shortcut = x;
        if (has_downsample(name)) shortcut = convolution(name + ".downsample.0", x, {1, stride, 0}, false);
        return append({NodeKind::add, name, 0, {y, shortcut}, -1, 1, 1, 0, true});
    }

    bool has_downsample(const std::string& block) const {
        const std::string weight = block + ".downsample.0.weight";
        return model_.tensors.count(weight) || (model_.quantisation && model_.quantisation->weights.count(weight));
    }
    ValueId convolution(const std::string& name, ValueId x, Window window, bool relu) {
        return append(
            {NodeKind::convolution, name, 0, {x}, layer(name), window.kernel, window.stride, window.padding, relu});
    }
    int layer(const std::string& name) {
        graph_.layers.push_back(name);
        return static_cast<int>(graph_.layers.size()) - 1;
    }
    ValueId append(Node node) {
        node.unit = unit_named_ ? static_cast<int>(graph_.units.size()) : -1;
        graph_.nodes.push_back(std::move(node));
        return Graph::output_of(static_cast<int>(graph_.nodes.size()) - 1);
    }
    /// Pools stand between units: an empty name ends a unit without beginning one.
    void begin_unit(const std::string& name) {
        end_unit();
        unit_ = {name, static_cast<int>(graph_.nodes.size()), 0};
        unit_named_ = !name.empty();
    }
    void end_unit() {
        if (!unit_named_) return;
        unit_.last = static_cast<int>(graph_.nodes.size());
        graph_.units.push_back(unit_);
        unit_named_ = false;
    }

    const Model& model_;
    Graph graph_;
    Unit unit_;
    bool unit_named_ = false;
};

}  // namespace

std::string batch_norm_of(const std::string& convolution) {
    if (convolution.ends_with(".downsample.0")) return convolution.substr(0, convolution.size() - 1) + "1";
    const size_t conv = convolution.rfind("conv");
    require(conv != std::string::npos, "batch_norm_of: {} is not a convolution", convolution);
    return convolution.substr(0, conv) + "bn" + convolution.substr(conv + 4);
}

std::vector<int> last_readers(const Graph& graph) {
    std::vector<int> readers(graph.nodes.size() + 1, -1);
    for (int i = 0; i < static_cast<int>(graph.nodes.size()); ++i)
        for (ValueId input : graph.nodes[static_cast<size_t>(i)].inputs) readers[static_cast<size_t>(input)] = i;
    return readers;
}

bool is_pooled(const Graph& graph, int node) {
    const auto next = static_cast<size_t>(node) + 1;
    return next < graph.nodes.size() && graph.nodes[next].kind == NodeKind::max_pool;
}

Graph build_graph(const Model& model) { return Builder(model).build(); }

}  // namespace adaq
