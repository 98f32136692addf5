#include "engine/passes/node_walk.h"

#include "engine/graph/node_kind.h"
#include "engine/program/buffers.h"

namespace adaq {

NodeWalk::NodeWalk(Device& device, const Network& network, const Tensor& images)
    : NodeWalk(device, network, put(device, images.shape, images.values)) {}

NodeWalk::NodeWalk(Device& device, const Network& network, const Buffer& images)
    : device_(device),
      network_(network),
      shapes_(value_shapes(network.graph, images->shape()[1], images->shape()[2])),
      batch_(images->shape()[0]),
      last_reader_(last_readers(network.graph)) {
    values_[kImage] = {images};
}

Buffer NodeWalk::compute(int index) {
    const Node& node = network_.graph.node(index);
    const ValueId output = Graph::output_of(index);
    std::map<ValueId, StoredValue> bound{{output, {device_.create(stacked(batch_, shapes_[output]))}}};
    for (ValueId input : node.inputs) bound[input] = values_.at(input);
    Segment(device_, network_, index, index + 1, bound, KeptValues::raw, shapes_).run();
    values_[output] = bound[output];
    if (node.kind->keeps_codes()) {  // codes stay codes
        values_[output].scale = values_.at(node.inputs[0]).scale;
        values_[output].largest = values_.at(node.inputs[0]).largest;
    }
    return values_[output].buffer;
}

void NodeWalk::settle(int index) {
    const ValueId output = Graph::output_of(index);
    if (const auto& q = network_.values[output]) {
        StoredValue& value = values_.at(output);
        quantise(device_, *q, value.buffer, value.buffer, true);
        value.scale = q->scale;
        value.largest = largest_code(*q);
    }
    for (ValueId input : network_.graph.node(index).inputs) {
        if (last_reader_[input] == index) values_.erase(input);
    }
}

}  // namespace adaq
