// Layers, norms, activations and additions; see operators.h.
#include <fmt/format.h>

#include <cmath>

#include "engine/activation.h"
#include "loaders/onnx/operators.h"

namespace adaq::onnx {
namespace {

Tensor transpose(const Tensor& matrix) {
    const int64_t rows = matrix.shape[0], columns = matrix.shape[1];
    Tensor turned({columns, rows}, std::vector<float>(matrix.values.size()));
    for (int64_t r = 0; r < rows; ++r)
        for (int64_t c = 0; c < columns; ++c)
            turned.values[static_cast<size_t>(c * rows + r)] = matrix.values[static_cast<size_t>(r * columns + c)];
    return turned;
}

/// The decimal number that was meant by a float32: 1e-5, not 9.99999975e-06.
double shortest(double value) { return std::stod(fmt::format("{}", static_cast<float>(value))); }

/// A constant that is broadcast over values of `rank` dimensions, as a value a channel. Extents are held against
/// those of the values from the last dimension on, so a constant along rows or columns is none.
Tensor a_value_a_channel(const Tensor& constant, size_t rank, int64_t channels, const char* what) {
    const size_t behind = rank - 2;  // dimensions behind that of the channels
    const std::string ones = behind == 2 ? "x1x1" : "";
    const auto dims = static_cast<size_t>(std::ssize(constant.shape));
    bool fits = dims <= rank;
    for (size_t i = 0; fits && i < dims; ++i) {
        const bool of_channels = dims - 1 - i == behind;
        fits = constant.shape[i] == 1 || (of_channels && constant.shape[i] == channels);
    }
    if (!fits)
        refuse_node("{} of shape {}, expected {}{}, 1x{}{} or one value: a bias of the layer's {} channels", what,
                    to_string(constant.shape), channels, ones, channels, ones, channels);
    if (std::ssize(constant.values) == channels) return Tensor({channels}, constant.values);
    return Tensor({channels}, std::vector<float>(static_cast<size_t>(channels), constant.values.at(0)));
}

}  // namespace

void Operators::convolution(const NodeProto& node) {
    const Known x = operand(node, 0, {Form::map});
    const Tensor weight = floats_at(node, 1, "weight");
    if (weight.shape.size() != 4) refuse_node("a weight of {}, expected one of 2-D windows", to_string(weight.shape));
    WindowOf w = window(node, x, {weight.shape[2], weight.shape[3]});
    if (w.kernel != std::vector<int64_t>{weight.shape[2], weight.shape[3]})
        refuse_node("kernel_shape is not that of its weight");
    for (size_t i = 0; i < 4; ++i) w.padding[i] += x.padded[i];
    const int64_t groups = integer(node, "group", 1), outputs = weight.shape[0];
    const std::string name = names_.take(name_of_layer(node, node.inputs[1]));
    const bool bias = has(node, 2);
    const Tensor biases = bias ? floats_at(node, 2, "bias") : Tensor();
    if (bias && biases.shape != Shape{outputs}) refuse_node("a bias of {}", to_string(biases.shape));
    const ValueId y = append("convolution", name, {x.id},
                             {{"inputs", weight.shape[1] * groups},
                              {"outputs", outputs},
                              {"kernel", w.kernel},
                              {"stride", w.stride},
                              {"padding", w.padding},
                              {"dilation", w.dilation},
                              {"groups", groups},
                              {"bias", int64_t{bias ? 1 : 0}}});
    keep(name, weight, biases);
    set(node, {Form::map, y});
}

void Operators::gemm(const NodeProto& node) {
    if (integer(node, "transA", 0) != 0 || number(node, "alpha", 1.0) != 1.0 || number(node, "beta", 1.0) != 1.0)
        refuse_node("transA, alpha or beta, expected a plain layer");
    linear(node, integer(node, "transB", 0) != 0,
           has(node, 2) ? std::optional(floats_at(node, 2, "bias")) : std::nullopt);
}
void Operators::matmul(const NodeProto& node) { linear(node, false, {}); }

/// transposed: the weight is [outputs, inputs] already.
void Operators::linear(const NodeProto& node, bool transposed, const std::optional<Tensor>& given_bias) {
    const Known x = operand(node, 0, {Form::features, Form::flat});
    Tensor weight = floats_at(node, 1, "weight");
    if (weight.shape.size() != 2) refuse_node("a weight of {}, expected a matrix", to_string(weight.shape));
    if (!transposed) weight = transpose(weight);
    const int64_t outputs = weight.shape[0], inputs = weight.shape[1];
    const Tensor bias = given_bias ? a_value_a_channel(*given_bias, 2, outputs, "a bias") : Tensor();
    Attributes attributes{{"inputs", inputs}, {"outputs", outputs}, {"bias", int64_t{given_bias ? 1 : 0}}};
    if (x.form == Form::flat) attributes["map"] = map_of(x, inputs);
    const std::string name = names_.take(name_of_layer(node, node.inputs[1]));
    const ValueId y = append("linear", name, {x.id}, std::move(attributes));
    keep(name, weight, bias);
    set(node, {Form::features, y});
}
/// Rows and columns of the map that was flattened into so many features.
std::vector<int64_t> Operators::map_of(const Known& x, int64_t features) {
    if (knows_size()) {
        const Shape shape = shapes()[x.id];
        if (element_count(shape) != features) refuse_input("{} inputs of a map of {}", features, to_string(shape));
        return {shape[0], shape[1]};
    }
    const int64_t channels = channels_of(x.id), positions = features / channels;
    const auto side = static_cast<int64_t>(std::lround(std::sqrt(static_cast<double>(positions))));
    if (side * side * channels != features)
        refuse_input("{} inputs of a map whose size the file does not tell", features);
    return {side, side};
}
void Operators::batch_norm(const NodeProto& node) {
    const Known x = map(node);
    if (integer(node, "training_mode", 0) != 0) refuse_node("training_mode, expected running statistics");
    const int64_t channels = channels_of(x.id);
    static constexpr std::array kNames{"weight", "bias", "running_mean", "running_var"};
    std::vector<Tensor> parameters;
    for (size_t i = 0; i < kNames.size(); ++i) {
        parameters.push_back(floats_at(node, i + 1, kNames[i]));
        if (parameters.back().shape != Shape{channels})
            refuse_node("{} of {}, expected {}", kNames[i], to_string(parameters.back().shape), channels);
    }
    const std::string name = names_.take(name_of_layer(node, node.inputs[1]));
    const ValueId y = append("batch_norm", name, {x.id},
                             {{"channels", channels}, {"epsilon", shortest(number(node, "epsilon", 1e-5))}});
    for (size_t i = 0; i < kNames.size(); ++i) made_.model.tensors[name + "." + kNames[i]] = parameters[i];
    set(node, {Form::map, y});
}
void Operators::relu(const NodeProto& node) { activation(node, 0.0, std::nullopt); }
void Operators::clip(const NodeProto& node) {
    const auto bound = [&](size_t i, const char* name) -> std::optional<double> {
        if (!has(node, i)) {
            const double given = number(node, name, NAN);
            return std::isnan(given) ? std::nullopt : std::optional(given);
        }
        const auto found = single_float(constant_at(node, i, name));
        if (!found || std::isnan(*found)) refuse_node("its {} is not one number", name);
        return *found;
    };
    auto lowest = bound(1, "min"), highest = bound(2, "max");
    if (lowest && highest && *lowest > *highest) refuse_node("min {} above max {}", *lowest, *highest);
    if (lowest && *lowest <= -kMostActivationBound) lowest.reset();
    if (highest && *highest > kMostActivationBound) highest.reset();
    if (!lowest && !highest) return identity(node);
    activation(node, lowest.value_or(-kMostActivationBound), highest);
}
void Operators::activation(const NodeProto& node, double lowest, std::optional<double> highest) {
    const Known x = operand(node, 0, {Form::map, Form::features});
    expect_unpadded(x);
    Attributes attributes{{"lowest", lowest}};
    if (highest) attributes["highest"] = *highest;
    append(node, x.form, "activation", {x.id}, std::move(attributes));
}

void Operators::addition(const NodeProto& node) {
    if (node.inputs.size() != 2) refuse_node("{} terms, expected two", node.inputs.size());
    for (size_t i = 0; i < 2; ++i)
        if (find_constant(node, i)) return add_bias(node, i);
    const Known a = operand(node, 0, {Form::map, Form::features}), b = operand(node, 1, {a.form});
    expect_unpadded(a);
    expect_unpadded(b);
    append(node, a.form, "add", {a.id, b.id}, {});
}
/// A constant that is added to a layer without a bias.
void Operators::add_bias(const NodeProto& node, size_t constant) {
    const Known x = operand(node, 1 - constant, {Form::map, Form::features});
    expect_unpadded(x);
    Node* const layer = x.id == kImage ? nullptr : &network().nodes[Graph::producer_of(x.id)];
    if (!layer || !layer->kind->has_weight() || layer->integer("bias") != 0)
        refuse_input("adds a constant to what is no layer without a bias");
    if (x.shared) refuse_node("adds a constant to a layer that other nodes read without it");
    const Tensor bias = a_value_a_channel(floats_at(node, constant, "constant"), x.form == Form::map ? 4 : 2,
                                          layer->integer("outputs"), "adds a constant");
    layer->attributes["bias"] = int64_t{1};
    made_.model.tensors[layer->name + ".bias"] = bias;
    set(node, x);
}

}  // namespace adaq::onnx
