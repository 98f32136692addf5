#include "engine/passes/simulate.h"

#include <algorithm>

#include "engine/error.h"
#include "engine/graph/node_kind.h"
#include "engine/nodes/kinds.h"
#include "engine/program/buffers.h"

namespace adaq {
namespace {

/// For an operation of the program, in which its scale is a constant.
OutputQuantiser quantiser_of(Device& device, Program& program, const QuantisedActivation& q, bool codes) {
    return {q.grid, program.bind(put(device, {1}, {q.scale})), q.zero_point, codes};
}

}  // namespace

Simulation::Simulation(Device& device, const Network& network, const std::map<ValueId, StoredValue>& bound,
                       KeptValues kept, int64_t batch, Indexed<Shape> shapes)
    : device_(device),
      network_(network),
      bound_(bound),
      kept_(kept),
      batch_(batch),
      shapes_(std::move(shapes)),
      values_(shapes_.size()) {}

Program Simulation::of(int first, int last) {
    last_ = last;
    for (const auto& [id, stored] : bound_) {
        if (Graph::producer_of(id) >= first) continue;
        const TensorId tensor = program_.bind(stored.buffer);
        values_[id] = {tensor, stored.scale};
        if (id != kImage || first != 0 || !network_.values[kImage]) continue;
        const Output image = produce(kImage);
        add(FakeQuantise{tensor, image.id, *image.quantiser});
    }
    for (int i = first; i < last; ++i) {
        const Node& node = network_.graph.node(i);
        node.kind->simulate(*this, node, Graph::output_of(i));
    }
    return std::move(program_);
}

TensorId Simulation::make_tensor(ValueId id) {
    const auto found = bound_.find(id);
    if (found != bound_.end() && id != kImage) return program_.bind(found->second.buffer);
    return program_.temporary(stacked(batch_, shapes_[id]));
}

Simulation::Output Simulation::produce(ValueId id) {
    Output output{make_tensor(id), std::nullopt};
    Value value{output.id, 1.0f};
    const bool kept = id != kImage && bound_.count(id);
    if (kept && kept_ == KeptValues::raw) {
        values_[id] = value;
        return output;
    }
    if (const auto& q = network_.values[id]) {
        // What leaves the program leaves as values, pooled or not; what stays inside stays integer.
        const bool codes = !kept && !pooled_and_kept(id);
        output.quantiser = quantiser_of(device_, program_, *q, codes);
        if (codes) value.scale = q->scale;
    }
    values_[id] = value;
    return output;
}

bool Simulation::pooled_and_kept(ValueId id) const {
    for (int i = Graph::producer_of(id) + 1; i < last_; ++i) {
        const Node& node = network_.graph.node(i);
        if (node.kind->keeps_codes() && node.inputs[0] == id && bound_.count(Graph::output_of(i))) return true;
    }
    return false;
}

TensorId Simulation::produce_scaled_as(ValueId id, ValueId other) {
    const TensorId tensor = make_tensor(id);
    values_[id] = {tensor, value(other).scale};
    return tensor;
}

TensorId Simulation::constant(const std::vector<float>& values, const Shape& shape) {
    return program_.bind(put(device_, shape, values));
}

TensorId Simulation::weight(const Layer& layer) {
    return constant(layer.codes ? layer.codes->centred : layer.weight.values, layer.shape);
}

Epilogue Simulation::scale_and_shift(const Layer& layer, float input_scale) {
    std::vector<float> scale(layer.channels());
    for (size_t k = 0; k < scale.size(); ++k) {
        double s = input_scale;
        if (layer.codes) s *= layer.codes->scale[layer.codes->group_of(k)];
        if (!layer.channel_scale.empty()) s *= layer.channel_scale[k];
        scale[k] = static_cast<float>(s);
    }
    Epilogue epilogue;
    if (std::any_of(scale.begin(), scale.end(), [](float s) { return s != 1.0f; })) {
        epilogue.scale = constant(scale, {layer.channels()});
    }
    epilogue.shift = constant(layer.channel_shift, {layer.channels()});
    return epilogue;
}

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
