#include "engine/passes/simulate.h"

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "engine/error.h"
#include "engine/graph/node_kind.h"
#include "engine/nodes/kinds.h"
#include "engine/passes/requantise.h"
#include "engine/program/buffers.h"

namespace adaq {
namespace {

constexpr double kExactFloats = 1 << 24;  // integers below it are float32 numbers
constexpr double kExactHalves = 1 << 8;   // and those up to it bf16, as which products may read them
constexpr double kNarrowSums = 2147483648.0;

/// Of |weights| of one channel, at most.
double largest_sum(const LayerCodes& codes, int64_t per_channel) {
    int64_t largest = 0;
    for (size_t first = 0; first < codes.centred.size(); first += per_channel) {
        int64_t sum = 0;
        for (int64_t i = 0; i < per_channel; ++i) sum += std::abs(static_cast<int>(codes.centred[first + i]));
        largest = std::max(largest, sum);
    }
    return static_cast<double>(largest);
}

/// For an operation of the program, in which its scale is a constant.
OutputQuantiser quantiser_of(Device& device, Program& program, const QuantisedActivation& q, bool codes) {
    return {q.grid, program.bind(put(device, {1}, {q.scale})), q.zero_point, codes};
}

/// As an operand of the site's quantiser counts.
Activation activation_for(const Activation& a, const QuantisedActivation& site, CodeQuantiser::Counts counts) {
    if (!a) return a;
    const CodeQuantiser quantiser{site.scale, site.zero_point, site.grid, counts};
    return Activation::clamp(quantiser.bound(a.lowest()), quantiser.bound(a.highest()));
}

}  // namespace

float largest_code(const QuantisedActivation& a) {
    return std::max(std::fabs(a.grid.qmin() - a.zero_point), std::fabs(a.grid.qmax() - a.zero_point));
}

void check_integer(const Network& network) {
    for (const Layer& layer : network.layers)
        if (!layer.codes) data_error("{}: its weight is not quantised, and cannot be run as integers", layer.name);
}

Simulation::Simulation(Device& device, const Network& network, const std::map<ValueId, StoredValue>& bound,
                       KeptValues kept, int64_t batch, Indexed<Shape> shapes, Execution execution)
    : device_(device),
      network_(network),
      bound_(bound),
      kept_(kept),
      execution_(execution),
      batch_(batch),
      shapes_(std::move(shapes)),
      values_(shapes_.size()) {}

Program Simulation::of(int first, int last) {
    last_ = last;
    for (const auto& [id, stored] : bound_) {
        if (Graph::producer_of(id) >= first) continue;
        const TensorId tensor = program_.bind(stored.buffer);
        values_[id] = {tensor, stored.scale, stored.largest};
        if (values_[id].codes()) values_[id].site = site_of(id);
        if (id == kImage && first == 0 && network_.values[kImage]) quantise_image(tensor);
    }
    operation_names_.assign(program_.operations().size(), "input");
    for (int i = first; i < last; ++i) {
        const Node& node = network_.graph.node(i);
        node.kind->simulate(*this, node, Graph::output_of(i));
        operation_names_.resize(program_.operations().size(), node.name);
    }
    return std::move(program_);
}

/// Where the network's input is quantised (--input-bits).
void Simulation::quantise_image(TensorId image) {
    const QuantisedActivation& q = *network_.values[kImage];
    if (program_.tensor(image).type.dtype == DType::u8) {
        values_[kImage] = {image, q.scale, largest_code(q), CodeQuantiser{q.scale, q.zero_point, q.grid}.zero(), &q};
        return;
    }
    const Output y = produce(kImage);
    if (integer())
        add(QuantiseToCodes{image, y.id, *code_quantiser(y)});
    else
        add(FakeQuantise{image, y.id, *fake_quantiser(y)});
}

TensorId Simulation::make_tensor(ValueId id, DType dtype) {
    const auto found = bound_.find(id);
    if (found != bound_.end() && id != kImage) return program_.bind(found->second.buffer);
    return program_.temporary(stacked(batch_, shapes_[id]), dtype);
}

Simulation::Output Simulation::produce(ValueId id) {
    const bool kept = id != kImage && bound_.count(id);
    const auto& q = network_.values[id];
    Value& value = values_[id];
    if (!q || (kept && kept_ == KeptValues::raw)) {
        value = {make_tensor(id)};
        return {value.id};
    }
    // What leaves the program leaves as values, pooled or not; what stays inside stays integer.
    const bool codes = !kept && !pooled_and_kept(id);
    value = {make_tensor(id, codes && integer() ? DType::u8 : DType::f32)};
    const Output output{value.id, &*q, codes};
    if (!codes) return output;
    value.scale = q->scale;
    value.largest = largest_code(*q);
    value.site = output.site;
    if (integer()) value.zero = code_quantiser(output)->zero();
    return output;
}

std::optional<OutputQuantiser> Simulation::fake_quantiser(const Output& y) {
    if (!y.site) return std::nullopt;
    return quantiser_of(device_, program_, *y.site, y.codes);
}

/// In simulation codes stand for themselves.
std::optional<CodeQuantiser> Simulation::code_quantiser(const Output& y, CodeQuantiser::Counts counts) const {
    if (!y.site) return std::nullopt;
    return CodeQuantiser{y.codes && !integer() ? 1.0f : y.site->scale, y.site->zero_point, y.site->grid, counts};
}

Simulation::Value Simulation::as_integers(const Value& x) {
    if (integer()) return x;
    const CodeQuantiser centred{1.0f, x.site->zero_point, x.site->grid};
    Value made = x;
    made.id = program_.temporary(program_.shape(x.id), DType::u8);
    made.zero = centred.zero();
    add(QuantiseToCodes{x.id, made.id, centred});
    return made;
}

const QuantisedActivation* Simulation::site_of(ValueId id) const {
    const auto& site = network_.values[source_of_codes(network_.graph, id)];
    return site ? &*site : nullptr;
}

bool Simulation::pooled_and_kept(ValueId id) const {
    for (int i = Graph::producer_of(id) + 1; i < last_; ++i) {
        const Node& node = network_.graph.node(i);
        if (node.kind->keeps_codes() && node.inputs[0] == id && bound_.count(Graph::output_of(i))) return true;
    }
    return false;
}

TensorId Simulation::produce_scaled_as(ValueId id, ValueId other) {
    Value made = value(other);
    made.id = make_tensor(id, program_.tensor(made.id).type.dtype);
    values_[id] = made;
    return made.id;
}

void Simulation::average_pool(const Value& x, ValueId output) {
    const Shape& map = program_.shape(x.id);
    const int64_t positions = map[1] * map[2];
    const float scale = x.scale / static_cast<float>(positions);
    const double largest = x.largest * static_cast<double>(positions);
    const bool site = network_.values[output].has_value();
    // Sums go on as integers where float32 holds them all and nothing stands between them and the fully connected layer
    // behind.
    if (x.codes() && largest < kExactFloats && !site && !bound_.count(output) && shapes_[output].size() == 1) {
        const TensorId sums = make_tensor(output, integer() ? DType::i32 : DType::f32);
        values_[output] = {sums, scale, largest};
        if (integer()) return add(SumOverMap{x.id, sums, x.zero});
        return add(GlobalAveragePool{x.id, sums, 1.0f, true});
    }
    const Output y = produce(output);
    if (requantises(x, y)) {
        const Value codes = as_integers(x);
        const TensorId steps = program_.temporary(stacked(batch_, shapes_[output]));
        add(SumOverMap{codes.id, steps, codes.zero, requantising_factor(x.scale, positions, y.site->scale)});
        return add(QuantiseToCodes{steps, y.id, *code_quantiser(y, CodeQuantiser::Counts::steps)});
    }
    const TensorId mean = y.site ? program_.temporary(stacked(batch_, shapes_[output])) : y.id;
    if (!network_.quantised())
        add(GlobalAveragePool{x.id, mean});
    else if (integer())
        add(SumOverMap{x.id, mean, x.zero, scale});
    else
        add(GlobalAveragePool{x.id, mean, scale, true});
    quantise_mean(mean, y);
}

void Simulation::average_pool(const Value& x, ValueId output, const PoolingWindow& window, bool counts_padding) {
    const Output y = produce(output);
    const TensorId mean = y.site ? program_.temporary(stacked(batch_, shapes_[output])) : y.id;
    if (requantises(x, y)) {
        const Value codes = as_integers(x);
        const CodeQuantiser quantiser = *code_quantiser(y, CodeQuantiser::Counts::codes);
        AveragePool op{codes.id, mean, window, counts_padding, x.scale, codes.zero};
        op.steps = AveragePool::Steps{y.site->scale, quantiser.zero()};
        add(op);
        return add(QuantiseToCodes{mean, y.id, quantiser});
    }
    add(AveragePool{x.id, mean, window, counts_padding, x.scale, x.zero, network_.quantised()});
    quantise_mean(mean, y);
}

void Simulation::quantise_mean(TensorId mean, const Output& y) {
    if (!y.site) return;
    if (integer())
        add(QuantiseToCodes{mean, y.id, *code_quantiser(y)});
    else
        add(FakeQuantise{mean, y.id, *fake_quantiser(y)});
}

void Simulation::add_terms(const Value& a, const Value& b, ValueId output, const Activation& activation) {
    const Output y = produce(output);
    if (b.site && requantises(a, y)) {
        const Value first = as_integers(a), second = as_integers(b);
        const CodeQuantiser quantiser = *code_quantiser(y, CodeQuantiser::Counts::codes);
        const AddingFactors by(a.scale, first.zero, b.scale, second.zero, y.site->scale, quantiser.zero());
        return add(IntegerAddition{first.id, second.id, y.id, by.a, by.b, 0, 0, by.offset,
                                   activation_for(activation, *y.site, quantiser.counts), quantiser});
    }
    if (integer())
        add(IntegerAddition{a.id, b.id, y.id, a.scale, b.scale, a.zero, b.zero, std::nullopt, activation,
                            code_quantiser(y)});
    else
        add(Addition{a.id, b.id, y.id, a.scale, b.scale, fake_quantiser(y), kNone, activation});
}

TensorId Simulation::constant(const std::vector<float>& values, const Shape& shape, DType dtype) {
    return program_.bind(put(device_, shape, values, dtype));
}

TensorId Simulation::weight(const Layer& layer) {
    return constant(layer.codes ? layer.codes->centred : layer.weight.values, layer.shape);
}

/// Codes less their zero point wherever they fit, so that zero points are few.
Simulation::CodeWeight Simulation::code_weight(const Layer& layer) {
    const LayerCodes& codes = *layer.codes;
    int lowest = 0, highest = 0;
    for (float code : codes.centred) {
        lowest = std::min(lowest, static_cast<int>(code));
        highest = std::max(highest, static_cast<int>(code));
    }
    if (lowest >= -128 && highest <= 127) return {constant(codes.centred, layer.shape, DType::i8), kNone};
    const float offset = codes.grid.one_sided ? 128.0f : 0.0f;
    std::vector<float> zero(layer.channels()), stored = codes.centred;
    for (size_t k = 0; k < zero.size(); ++k) zero[k] = codes.zero_point[codes.group_of(k)] - offset;
    const auto per_channel = layer.weights_per_channel();
    for (size_t i = 0; i < stored.size(); ++i) stored[i] += zero[i / per_channel];
    return {constant(stored, layer.shape, DType::i8), constant(zero, {layer.channels()}, DType::i32)};
}

Simulation::ScaleAndShift Simulation::scale_and_shift(const Layer& layer, float input_scale) {
    std::vector<float> scale(layer.channels());
    for (size_t k = 0; k < scale.size(); ++k) {
        double s = input_scale;
        if (layer.codes) s *= layer.codes->scale[layer.codes->group_of(k)];
        if (!layer.channel_scale.empty()) s *= layer.channel_scale[k];
        scale[k] = static_cast<float>(s);
    }
    ScaleAndShift made;
    if (std::any_of(scale.begin(), scale.end(), [](float s) { return s != 1.0f; }))
        made.scale = constant(scale, {layer.channels()});
    made.shift = constant(layer.channel_shift, {layer.channels()});
    return made;
}

TensorId Simulation::requantising_scale(const QuantisedBias& bias, float output_scale) {
    std::vector<float> factor(bias.scale.size());
    std::transform(bias.scale.begin(), bias.scale.end(), factor.begin(),
                   [=](float unit) { return requantising_factor(unit, output_scale); });
    return constant(factor, {static_cast<int64_t>(factor.size())});
}

Arithmetic Simulation::arithmetic_of(const Layer& layer, const Value& x, const Output& y, const Value* residual) const {
    if (layer.bias_codes && !residual && requantises(x, y)) return Arithmetic::onnxruntime;
    const bool openvino =
        network_.arithmetic == Arithmetic::openvino && layer.codes && layer.channel_scale.empty() && x.site && y.site;
    return openvino ? Arithmetic::openvino : Arithmetic::adaq;
}

template <typename Sum>
void Simulation::add_layer(Sum sum, const Layer& layer, const Value& x, const Output& y, const Activation& activation,
                           const Value* residual) {
    const Arithmetic arithmetic = arithmetic_of(layer, x, y, residual);
    if (integer() || arithmetic != Arithmetic::adaq)
        return add_integer_layer(sum, layer, x, y, activation, residual, arithmetic);
    const double bound = layer.codes ? largest_sum(*layer.codes, layer.weights_per_channel()) * x.largest : 0.0;
    const ScaleAndShift per_channel = scale_and_shift(layer, x.scale);
    sum.x = x.id;
    sum.w = weight(layer);
    sum.y = y.id;
    const bool exact_in_any_order = bound < kExactFloats && x.largest <= kExactHalves;
    if (layer.codes) sum.sums = !x.codes() ? Sums::in_order : exact_in_any_order ? Sums::free : Sums::exact;
    sum.epilogue.scale = per_channel.scale;
    sum.epilogue.shift = per_channel.shift;
    if (residual) {
        sum.epilogue.residual = residual->id;
        sum.epilogue.residual_scale = residual->scale;
    }
    sum.epilogue.activation = activation;
    sum.epilogue.quantiser = fake_quantiser(y);
    add(sum, layer.name);
}

template <typename Sum>
void Simulation::add_integer_layer(const Sum& sum, const Layer& layer, const Value& x, const Output& y,
                                   const Activation& activation, const Value* residual, Arithmetic arithmetic) {
    constexpr bool kConvolution = std::is_same_v<Sum, Convolution>;
    const Value codes = arithmetic == Arithmetic::adaq ? x : as_integers(x);
    double largest_bias = 0.0;
    const double bound = largest_sum(*layer.codes, layer.weights_per_channel()) * x.largest;
    std::conditional_t<kConvolution, IntegerConvolution, IntegerLinear> op;
    const CodeWeight w = code_weight(layer);
    op.x = codes.id;
    op.w = w.codes;
    op.y = y.id;
    op.w_zero = w.zero;
    op.x_zero = codes.zero;
    if (x.site) op.x_most = static_cast<int>(x.site->grid.qmax() - x.site->grid.qmin());
    if (arithmetic == Arithmetic::onnxruntime) {
        op.bias = program_.bind(put(device_, layer.bias_codes->codes));
        for (int32_t bias : layer.bias_codes->codes)
            largest_bias = std::max(largest_bias, std::fabs(static_cast<double>(bias)));
        op.epilogue.scale = requantising_scale(*layer.bias_codes, y.site->scale);
        op.epilogue.quantiser = code_quantiser(y, CodeQuantiser::Counts::steps);
        op.epilogue.activation = activation_for(activation, *y.site, CodeQuantiser::Counts::steps);
    } else {
        const ScaleAndShift per_channel = scale_and_shift(layer, x.scale);
        op.epilogue = {per_channel.scale, per_channel.shift};
        op.epilogue.quantiser = code_quantiser(y);
        op.epilogue.activation = activation;
    }
    op.sums = bound + largest_bias < kNarrowSums ? IntegerSums::narrow : IntegerSums::wide;
    if (residual) {
        const bool made = arithmetic == Arithmetic::openvino && residual->site;
        const Value term = made ? as_integers(*residual) : *residual;
        op.epilogue.residual = term.id;
        op.epilogue.residual_scale = term.scale;
        op.epilogue.residual_zero = term.zero;
    }
    if (arithmetic == Arithmetic::openvino) finish_as_openvino(op.epilogue, y, activation, residual);
    if constexpr (kConvolution) op.window = sum.window;
    add(op, layer.name);
}

void Simulation::finish_as_openvino(IntegerEpilogue& epilogue, const Output& y, const Activation& activation,
                                    const Value* residual) const {
    CodeQuantiser& quantiser = *epilogue.quantiser;
    const Added added = !residual ? Added::nothing : residual->site ? Added::codes : Added::values;
    const CodesOf residual_codes = added == Added::codes ? CodesOf{residual->scale, epilogue.residual_zero} : CodesOf{};
    const OpenVinoFactors by({y.site->scale, quantiser.zero()}, added, residual_codes, quantiser.levels() == 256);
    epilogue.summand = by.summand;
    epilogue.factor = by.to_residual;
    quantiser.factor = by.to_output;
    quantiser.shift = by.shift;
    if (by.shift != 0.0f) quantiser.counts = CodeQuantiser::Counts::codes;
    if (added != Added::codes) return;
    epilogue.residual_scale = 1.0f;
    epilogue.residual_zero = 0;
    if (activation)
        epilogue.activation =
            Activation::clamp(activation.lowest() * by.to_residual, activation.highest() * by.to_residual);
}

template void Simulation::add_layer(Convolution, const Layer&, const Value&, const Output&, const Activation&,
                                    const Value*);
template void Simulation::add_layer(Linear, const Layer&, const Value&, const Output&, const Activation&, const Value*);

bool Simulation::postpone(const Node& node, ValueId output) {
    if (bound_.count(output) || network_.values[output] || node.activation) return false;
    for (int i = output; i < last_; ++i) {  // the nodes behind it
        const Node& reader = network_.graph.node(i);
        if (reader.kind != &add_kind() || reader.inputs[0] != output) continue;
        if (reader_counts(network_.graph)[output] != 1) return false;
        postponed_[output] = &node;
        return true;
    }
    return false;
}

const Node* Simulation::postponed(ValueId value) const {
    const auto found = postponed_.find(value);
    return found == postponed_.end() ? nullptr : found->second;
}

void quantise(Device& device, const QuantisedActivation& quantiser, const Buffer& x, const Buffer& y, bool codes) {
    Program program;
    program.add(FakeQuantise{program.bind(x), program.bind(y), quantiser_of(device, program, quantiser, codes)});
    device.compile(program)->run();
}

}  // namespace adaq
