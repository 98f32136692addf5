// Batch norm as trained: gamma * (x - mean) / sqrt(variance + epsilon) + beta. It is folded into the convolution before
// it, or becomes that layer's scale and shift. Attributes: channels, epsilon.
#include "engine/graph/node_kind.h"
#include "engine/nodes/kinds.h"

namespace adaq {
namespace {

class BatchNormKind : public FusedKind {
  public:
    std::string_view name() const override { return "batch_norm"; }

    void check(const Node& node) const override {
        expect_inputs(node, 1);
        expect_attributes(node, {"channels", "epsilon"});
        expect_integer(node, "channels", 1, 1 << 20);
        expect_number(node, "epsilon", 0.0, 1.0);
    }
    Shape shape(const Node& node, std::span<const Shape> inputs) const override {
        if (inputs[0].back() != node.integer("channels"))
            data_error("{}: an input of {}, expected {} channels", node.name, to_string(inputs[0]),
                       node.integer("channels"));
        return inputs[0];
    }
    std::vector<NamedShape> parameters(const Node& node) const override {
        std::vector<NamedShape> all;
        for (const char* part : {".weight", ".bias", ".running_mean", ".running_var"})
            all.push_back({node.name + part, {node.integer("channels")}});
        return all;
    }
};

}  // namespace

const NodeKind& batch_norm_kind() {
    static const BatchNormKind kind;
    return kind;
}

}  // namespace adaq
