// A clamp: ReLU has lowest 0, ReLU6 also highest 6. It becomes part of the convolution, layer or addition before it.
#include "engine/activation.h"
#include "engine/graph/node_kind.h"
#include "engine/nodes/kinds.h"

namespace adaq {
namespace {

class ActivationKind : public FusedKind {
  public:
    std::string_view name() const override { return "activation"; }

    void check(const Node& node) const override {
        expect_inputs(node, 1);
        expect_attributes(node, {"lowest"}, {"highest"});
        expect_number(node, "lowest", -kMostActivationBound, kMostActivationBound);
        if (node.attributes.contains("highest"))
            expect_number(node, "highest", std::get<double>(node.attributes.at("lowest")), kMostActivationBound);
    }
    Shape shape(const Node&, std::span<const Shape> inputs) const override { return inputs[0]; }
};

}  // namespace

const NodeKind& activation_kind() {
    static const ActivationKind kind;
    return kind;
}

}  // namespace adaq
