// Pools, and what moves values about; see operators.h.
#include <cmath>

#include "loaders/onnx/operators.h"

namespace adaq::onnx {

// ---- pools

void Operators::max_pool(const NodeProto& node) {
    const Known x = map(node);
    const WindowOf w = window(node, {});
    if (w.dilation != std::vector<int64_t>{1, 1}) refuse_node("dilations, expected none");
    append(node, Form::map, "max_pool", {x.id}, {{"kernel", w.kernel}, {"stride", w.stride}, {"padding", w.padding}});
}
void Operators::average_pool(const NodeProto& node) {
    const Known x = map(node);
    const WindowOf w = window(node, {});
    const std::vector<int64_t> one{1, 1}, none{0, 0, 0, 0};
    if (w.dilation != one) refuse_node("dilations, expected none");
    if (w.kernel == one && w.stride == one && w.padding == none) return set(node, x);  // VGG's, at its own size
    append(node, Form::map, "average_pool", {x.id},
           {{"kernel", w.kernel},
            {"stride", w.stride},
            {"padding", w.padding},
            {"count_padding", integer(node, "count_include_pad", 0)}});
}
void Operators::global_average_pool(const NodeProto& node) {
    append(node, Form::features, "global_average_pool", {map(node).id}, {});
}
void Operators::reduce_mean(const NodeProto& node) {
    const Known x = map(node);
    std::vector<int64_t> axes = integers(node, "axes", {});
    if (has(node, 1)) {
        const auto given = integers_of(constant_at(node, 1, "axes"));
        if (!given) refuse_node("axes that are no integers");
        axes = *given;
    }
    for (int64_t& axis : axes) axis += axis < 0 ? 4 : 0;
    std::sort(axes.begin(), axes.end());
    if (axes != std::vector<int64_t>{2, 3}) refuse_node("a mean over other axes than rows and columns");
    append(node, Form::features, "global_average_pool", {x.id}, {});
}

// ---- what moves values about

Known Operators::flattened(const NodeProto& node) const {
    Known x = operand(node, 0, {Form::map, Form::features, Form::flat});
    expect_unpadded(x);
    if (x.form == Form::map) x.form = Form::flat;
    return x;
}
void Operators::flatten(const NodeProto& node) {
    const int64_t axis = integer(node, "axis", 1);
    if (axis != 1 && axis != -3) refuse_node("axis {}, expected 1", axis);
    set(node, flattened(node));
}
/// To [N, features], the batch given as 0, -1, 1, or by a computation on shapes.
void Operators::reshape(const NodeProto& node) {
    const TensorProto* const target = find_constant(node, 1);
    if (target) {
        const auto shape = integers_of(*target);
        if (!shape || shape->size() != 2) refuse_node("to {} dimensions, expected 2", shape ? shape->size() : 0);
    } else if (!reads_shape(node)) {
        refuse_node("to a shape that is not known");
    }
    set(node, flattened(node));
}
void Operators::squeeze(const NodeProto& node) { set(node, operand(node, 0, {Form::features})); }
void Operators::identity(const NodeProto& node) {
    if (const TensorProto* constant = find_constant(node, 0)) {
        constants_[node.outputs.at(0)] = constant;
        return;
    }
    set(node, operand(node, 0, {Form::map, Form::features, Form::flat, Form::shape}));
}
void Operators::constant(const NodeProto& node) {
    TensorProto made;
    if (const TensorProto* value = tensor_of(node, "value")) {
        made = *value;
    } else if (const double real = number(node, "value_float", NAN); !std::isnan(real)) {
        const auto single = static_cast<float>(real);
        made = tensor("", std::span(&single, 1), {});
    } else {
        std::vector<int64_t> whole = integers(node, "value_ints", {});
        if (whole.empty()) whole.push_back(integer(node, "value_int", 0));
        made = tensor("", std::span<const int64_t>(whole), {std::ssize(whole)});
    }
    made_constants_.push_back(std::make_unique<TensorProto>(std::move(made)));
    constants_[node.outputs.at(0)] = made_constants_.back().get();
}
/// Zeros around a map, which the convolution behind it takes as its own.
void Operators::pad(const NodeProto& node) {
    Known x = operand(node, 0, {Form::map});
    if (text(node, "mode", "constant") != "constant") refuse_node("a mode other than constant");
    std::optional<std::vector<int64_t>> pads = integers(node, "pads", {});
    if (has(node, 1)) pads = integers_of(constant_at(node, 1, "pads"));
    if (!pads || pads->size() != 8) refuse_node("pads that are not of a map");
    const std::vector<int64_t>& p = *pads;
    if (has(node, 2) && floats_at(node, 2, "constant_value").values != std::vector<float>{0.0f})
        refuse_node("pads with something other than 0");
    const std::vector<int64_t> around{p[2], p[3], p[6], p[7]};
    if (p[0] || p[1] || p[4] || p[5] || *std::min_element(around.begin(), around.end()) < 0)
        refuse_node("pads batch or channels, or cuts the map");
    for (size_t i = 0; i < 4; ++i) x.padded[i] += around[i];
    set(node, x);
}
void Operators::softmax(const NodeProto& node) {
    const Known x = operand(node, 0, {Form::features});
    if (node.outputs.empty() || node.outputs[0] != graph_.outputs[0].name)
        refuse_node("within the network, expected at its end");
    made_.notes.push_back("The Softmax at the network's end is left out: what it compares are the logits.");
    set(node, x);
}

}  // namespace adaq::onnx
