// Pools, and what moves values about; see operators.h.
#include <algorithm>
#include <array>
#include <cmath>

#include "loaders/onnx/operators.h"

namespace adaq::onnx {

// ---- pools

Operators::WindowOf Operators::window(const NodeProto& node, const Known& x, const std::vector<int64_t>& kernel) {
    const auto list = [&](const char* name, const std::vector<int64_t>& otherwise, size_t count) {
        std::vector<int64_t> found = integers(node, name, otherwise);
        if (found.size() != count)
            refuse_node("{} of {}, expected {}", name, plural(std::ssize(found), "value"), count);
        return found;
    };
    WindowOf w{list("kernel_shape", kernel, 2), list("strides", {1, 1}, 2), list("pads", {0, 0, 0, 0}, 4),
               list("dilations", {1, 1}, 2)};
    const std::string pad = text(node, "auto_pad", "NOTSET");
    if (pad != "NOTSET" && pad != "VALID") refuse_node("auto_pad {}, expected pads", printable(pad));
    if (integer(node, "ceil_mode", 0) != 0) expect_whole_windows(node, x, w);
    return w;
}

/// Rounding up makes no difference where the last windows end with the map.
void Operators::expect_whole_windows(const NodeProto& node, const Known& x, const WindowOf& w) {
    if (!knows_size())
        refuse_node("ceil_mode on a map whose size the file does not tell, expected windows that lie in the map");
    const Shape map = shapes()[x.id];
    for (size_t axis = 0; axis < 2; ++axis) {
        const int64_t room =
            map[axis] + w.padding[axis] + w.padding[axis + 2] - (w.kernel[axis] - 1) * w.dilation[axis] - 1;
        if (w.stride[axis] < 1 || room < 0 || room % w.stride[axis] != 0)
            refuse_node("ceil_mode with windows that overhang a map of {}x{}, expected windows that lie in the map",
                        map[0], map[1]);
    }
    made_.notes.push_back(
        fmt::format("The ceil_mode of {} ({}) makes no difference for images of {}x{}; for images of "
                    "other sizes it is left out.",
                    node.op_type, place_of(node), made_.model.input_height, made_.model.input_width));
}

void Operators::max_pool(const NodeProto& node) {
    const Known x = map(node);
    const WindowOf w = window(node, x, {});
    if (w.dilation != std::vector<int64_t>{1, 1}) refuse_node("dilations, expected none");
    append(node, Form::map, "max_pool", {x.id}, {{"kernel", w.kernel}, {"stride", w.stride}, {"padding", w.padding}});
}
void Operators::average_pool(const NodeProto& node) {
    const Known x = map(node);
    const WindowOf w = window(node, x, {});
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
void Operators::dropout(const NodeProto& node) {
    if (has(node, 2)) {
        const std::string& training = constant_at(node, 2, "training_mode").bytes;
        if (std::any_of(training.begin(), training.end(), [](char byte) { return byte != 0; }))
            refuse_node("training_mode, expected a network for inference");
    }
    identity(node);
}
/// Of weights, which are read as float32 whatever they are stored as, and of values that are float32 already.
void Operators::cast(const NodeProto& node) {
    const int64_t to = integer(node, "to", 0);
    const TensorProto* const constant = find_constant(node, 0);
    const bool of_integers = constant && integers_of(*constant);
    const auto is = [&](DataType type) { return to == static_cast<int64_t>(type); };
    if (of_integers ? !is(DataType::int64) && !is(DataType::int32) : !is(DataType::float32))
        refuse_node("to {}, expected float32: export the network in float32 (its weights may be stored in fewer bits)",
                    name_of(static_cast<DataType>(to)));
    if (constant && !of_integers && !is_float(*constant)) refuse_node("of a constant that is not of floats");
    identity(node);
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
    std::optional<std::vector<int64_t>> pads = integers(node, "pads", {}), axes = std::vector<int64_t>{0, 1, 2, 3};
    if (has(node, 1)) pads = integers_of(constant_at(node, 1, "pads"));
    if (has(node, 3)) axes = integers_of(constant_at(node, 3, "axes"));
    if (!pads || !axes || pads->size() != 2 * axes->size())
        refuse_node("{} pads for {} axes, expected two an axis", pads ? pads->size() : 0, axes ? axes->size() : 0);
    std::array<int64_t, 8> p{};  // before and behind the four axes
    for (size_t i = 0; i < axes->size(); ++i) {
        const int64_t axis = (*axes)[i] + ((*axes)[i] < 0 ? 4 : 0);
        if (axis < 0 || axis > 3) refuse_node("pads axis {}, expected those of a map", (*axes)[i]);
        p[static_cast<size_t>(axis)] += (*pads)[i];
        p[static_cast<size_t>(axis + 4)] += (*pads)[i + axes->size()];
    }
    if (number(node, "value", 0.0) != 0.0 ||
        (has(node, 2) && floats_at(node, 2, "constant_value").values != std::vector<float>{0.0f}))
        refuse_node("pads with something other than 0");
    const std::vector<int64_t> around{p[2], p[3], p[6], p[7]};
    if (p[0] || p[1] || p[4] || p[5] || *std::min_element(around.begin(), around.end()) < 0)
        refuse_node("pads batch or channels, or cuts the map");
    for (size_t i = 0; i < 4; ++i) x.padded[i] += around[i];
    set(node, x);
}
void Operators::softmax(const NodeProto& node) {
    const Known x = operand(node, 0, {Form::features});
    const int64_t axis = integer(node, "axis", 1);
    if (axis != 1 && axis != -1) refuse_node("axis {}, expected 1", axis);
    if (node.outputs.empty() || node.outputs[0] != graph_.outputs[0].name)
        refuse_node("within the network, expected at its end");
    made_.notes.push_back("The Softmax at the network's end is left out: what it compares are the logits.");
    set(node, x);
}

}  // namespace adaq::onnx
