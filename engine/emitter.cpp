#include "engine/emitter.h"

#include <algorithm>

#include "engine/error.h"

namespace adaq {

Emitter::Emitter(Device& device, const Network& network, const std::map<ValueId, StoredValue>& bound, KeptValues kept,
                 int64_t batch, std::vector<Shape> shapes)
    : device_(device),
      network_(network),
      bound_(bound),
      kept_(kept),
      batch_(batch),
      shapes_(std::move(shapes)),
      values_(shapes_.size()) {}

Program Emitter::emit(int first, int last) {
    last_ = last;
    for (const auto& [id, stored] : bound_) {
        if (Graph::producer_of(id) >= first) continue;
        const TensorId tensor = program_.bind(stored.buffer);
        values_[static_cast<size_t>(id)] = {tensor, stored.scale};
        if (id == kImage && first == 0 && network_.values[kImage]) emit_image(*this, tensor);
    }
    for (int i = first; i < last; ++i) {
        const Node& node = network_.graph.nodes[static_cast<size_t>(i)];
        const ValueId output = Graph::output_of(i);
        switch (node.kind) {
            case NodeKind::convolution:
                if (!postpone(i)) emit_convolution(*this, node, output, nullptr, node.relu);
                break;
            case NodeKind::max_pool:
                emit_max_pool(*this, node, output);
                break;
            case NodeKind::add:
                emit_add(*this, node, output);
                break;
            case NodeKind::global_average_pool:
                emit_global_average_pool(*this, node, output);
                break;
            case NodeKind::linear:
                emit_linear(*this, node, output);
                break;
        }
    }
    return std::move(program_);
}

TensorId Emitter::make_tensor(ValueId id) {
    const auto found = bound_.find(id);
    if (found != bound_.end() && id != kImage) return program_.bind(found->second.buffer);
    return program_.temporary(stacked(batch_, shapes_[static_cast<size_t>(id)]));
}

Emitter::Output Emitter::produce(ValueId id) {
    Output output{make_tensor(id), std::nullopt};
    Value value{output.id, 1.0f};
    const bool kept = id != kImage && bound_.count(id);
    if (kept && kept_ == KeptValues::raw) {
        values_[static_cast<size_t>(id)] = value;
        return output;
    }
    if (const auto& q = network_.values[static_cast<size_t>(id)]) {
        // What leaves the program leaves as values, pooled or not; what stays inside stays integer.
        const bool codes = !kept && !pooled_and_kept(id);
        output.quantiser = OutputQuantiser{q->grid, constant({q->scale}, {1}), q->zero_point, codes};
        if (codes) value.scale = q->scale;
    }
    values_[static_cast<size_t>(id)] = value;
    return output;
}

bool Emitter::pooled_and_kept(ValueId id) const {
    for (int i = Graph::producer_of(id) + 1; i < last_; ++i) {
        const Node& node = network_.graph.nodes[static_cast<size_t>(i)];
        if (node.kind == NodeKind::max_pool && node.inputs[0] == id && bound_.count(Graph::output_of(i))) return true;
    }
    return false;
}

TensorId Emitter::produce_scaled_as(ValueId id, ValueId other) {
    const TensorId tensor = make_tensor(id);
    values_[static_cast<size_t>(id)] = {tensor, value(other).scale};
    return tensor;
}

TensorId Emitter::constant(const std::vector<float>& values, const Shape& shape) {
    const Buffer buffer = device_.create(shape);
    device_.upload(*buffer, values);
    return program_.bind(buffer);
}

TensorId Emitter::weight(const Layer& layer) {
    return constant(layer.codes ? layer.codes->centred : layer.weight.values, layer.shape);
}

Epilogue Emitter::scale_and_shift(const Layer& layer, float input_scale) {
    std::vector<float> scale(static_cast<size_t>(layer.channels()));
    for (size_t k = 0; k < scale.size(); ++k) {
        double s = input_scale;
        if (layer.codes) s *= layer.codes->scale[layer.codes->group_of(static_cast<int64_t>(k))];
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

bool Emitter::postpone(int index) {
    const ValueId output = Graph::output_of(index);
    if (bound_.count(output) || network_.values[static_cast<size_t>(output)]) return false;
    for (int i = index + 1; i < last_; ++i) {
        const Node& node = network_.graph.nodes[static_cast<size_t>(i)];
        if (node.kind == NodeKind::add && node.inputs[0] == output) {
            postponed_[output] = index;
            return true;
        }
    }
    return false;
}

const Node* Emitter::postponed(ValueId value) const {
    const auto found = postponed_.find(value);
    return found == postponed_.end() ? nullptr : &network_.graph.nodes[static_cast<size_t>(found->second)];
}

}  // namespace adaq
