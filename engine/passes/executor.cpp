#include "engine/passes/executor.h"

namespace adaq {
Segment::Segment(Device& device, const Network& network, int first, int last,
                 const std::map<ValueId, StoredValue>& bound, KeptValues kept, const Indexed<Shape>& shapes,
                 Execution execution) {
    const int64_t batch = bound.begin()->second.buffer->shape()[0];
    compiled_ = device.compile(Simulation(device, network, bound, kept, batch, shapes, execution).of(first, last));
}

Executor::Executor(Device& device, const Network& network, int64_t batch, int64_t height, int64_t width,
                   Execution execution)
    : device_(device) {
    if (execution == Execution::integer) check_integer(network);
    const Indexed<Shape> shapes = value_shapes(network.graph, height, width);
    images_ = device.create(stacked(batch, shapes.front()));
    logits_ = device.create(stacked(batch, shapes.back()));
    const int nodes = network.graph.node_count();
    const std::map<ValueId, StoredValue> bound{{kImage, {images_}}, {Graph::output_of(nodes - 1), {logits_}}};
    segment_ = std::make_unique<Segment>(device, network, 0, nodes, bound, KeptValues::quantised, shapes, execution);
}

void Executor::run(std::span<const float> images, std::span<float> logits, const Poll& poll) {
    device_.upload(*images_, images);
    segment_->run(poll);
    device_.download(*logits_, logits);
}

}  // namespace adaq
