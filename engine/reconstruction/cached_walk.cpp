#include "engine/reconstruction/cached_walk.h"

#include <algorithm>

namespace adaq {

CachedWalk::CachedWalk(Device& device, const Network& network, Buffer images, CacheMemory& memory, Poll poll)
    : device_(device),
      network_(network),
      memory_(memory),
      poll_(std::move(poll)),
      shapes_(value_shapes(network.graph, images->shape()[1], images->shape()[2])),
      last_reader_(last_readers(network.graph)) {
    values_[kImage] = std::move(images);
}

void CachedWalk::share(FloatValues& kept, std::vector<FloatValues::Nodes> units) {
    kept_ = &kept;
    units_ = std::move(units);
}

Shape CachedWalk::batched(ValueId id, int64_t batch) const { return stacked(batch, shapes_[id]); }

std::vector<ValueId> CachedWalk::inputs(int first, int last) const {
    std::vector<ValueId> inputs;
    for (int i = first; i < last; ++i) {
        for (ValueId input : network_.graph.node(i).inputs) {
            if (Graph::producer_of(input) < first) inputs.push_back(input);
        }
    }
    return inputs;
}

Buffer CachedWalk::compute(int first, int last) {
    const ValueId output = Graph::output_of(last - 1);
    if (const Buffer kept = kept_ ? kept_->find(units_, {first, last}) : nullptr) return values_[output] = kept;
    std::map<ValueId, StoredValue> bound;
    int64_t images = 0;
    for (ValueId input : inputs(first, last)) {
        bound[input] = {values_.at(input)};
        images = values_.at(input)->shape()[0];
    }
    values_[output] = memory_.create(batched(output, images));
    bound[output] = {values_[output]};
    Segment(device_, network_, first, last, bound, KeptValues::quantised, shapes_).run(poll_);
    if (kept_) kept_->keep(units_, {first, last}, values_[output]);
    return values_[output];
}

Buffer CachedWalk::sample(int first, int node, int64_t rows) {
    const ValueId output = Graph::output_of(node);
    std::map<ValueId, StoredValue> bound;
    for (ValueId input : inputs(first, node + 1)) {
        bound[input] = {first_rows(device_, values_.at(input), rows)};
        rows = bound[input].buffer->shape()[0];
    }
    const Buffer values = device_.create(batched(output, rows));
    bound[output] = {values};
    Segment(device_, network_, first, node + 1, bound, KeptValues::raw, shapes_).run(poll_);
    return values;
}

void CachedWalk::release(int next) {
    std::erase_if(values_, [&](const auto& value) { return last_reader_[value.first] < next; });
}

Buffer first_rows(Device& device, const Buffer& values, int64_t rows) {
    if (values->shape()[0] <= rows) return values;
    const Buffer part = device.create(with_rows(values->shape(), rows));
    Program program;
    program.add(Gather{program.rows(program.bind(values), 0, rows), program.bind(part)});
    device.compile(program)->run();
    return part;
}

}  // namespace adaq
