// Building a Program (engine/device.h).
#include "engine/device.h"
#include "engine/error.h"

namespace adaq {

TensorId Program::bind(const Buffer& buffer) {
    require(buffer != nullptr, "Program::bind: no buffer");
    for (size_t i = 0; i < tensors_.size(); ++i) {
        if (tensors_[i].bound == buffer) return static_cast<TensorId>(i);
    }
    tensors_.push_back({buffer->shape(), buffer, kNone, 0});
    return static_cast<TensorId>(tensors_.size()) - 1;
}

TensorId Program::temporary(Shape shape) {
    tensors_.push_back({std::move(shape), nullptr, kNone, 0});
    return static_cast<TensorId>(tensors_.size()) - 1;
}

TensorId Program::rows(TensorId whole, int64_t first, int64_t count) {
    const Entry& entry = tensors_.at(static_cast<size_t>(whole));
    require(!entry.shape.empty() && first >= 0 && count > 0 && first + count <= entry.shape[0],
            "Program::rows: {} to {} of {}", first, first + count, to_string(entry.shape));
    Shape shape = entry.shape;
    shape[0] = count;
    const bool part = entry.whole != kNone;
    tensors_.push_back({shape, nullptr, part ? entry.whole : whole, part ? entry.first_row + first : first});
    return static_cast<TensorId>(tensors_.size()) - 1;
}

}  // namespace adaq
