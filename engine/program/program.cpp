// Building a Program, and its operations in words.
#include "engine/program/program.h"

#include "engine/error.h"

namespace adaq {

TensorId Program::bind(const Buffer& buffer) {
    require(buffer != nullptr, "Program::bind: no buffer");
    for (TensorId id = 0; id < tensors_.count(); ++id) {
        if (tensors_[id].bound == buffer) return id;
    }
    tensors_.push_back({buffer->type(), buffer, kNone, 0});
    return last();
}

TensorId Program::temporary(Shape shape, DType dtype) {
    tensors_.push_back({{std::move(shape), dtype}, nullptr, kNone, 0});
    return last();
}

TensorId Program::rows(TensorId whole, int64_t first, int64_t count) {
    const Entry& entry = tensor(whole);
    require(!entry.shape().empty() && first >= 0 && count > 0 && first + count <= entry.shape()[0],
            "Program::rows: {} to {} of {}", first, first + count, to_string(entry.shape()));
    TensorType type = entry.type;
    type.shape[0] = count;
    const bool part = entry.whole != kNone;
    tensors_.push_back({type, nullptr, part ? entry.whole : whole, part ? entry.first_row + first : first});
    return last();
}

void Program::replace(TensorId id, int64_t rows, const Buffer& buffer) {
    Entry& entry = tensors_.at(id);
    require(entry.whole == kNone, "Program::replace: tensor {} is a part of another", id);
    entry.type.shape[0] = rows;
    entry.bound = buffer;
    require(!buffer || (buffer->shape() == entry.shape() && buffer->dtype() == entry.type.dtype),
            "Program::replace: tensor {} is not like its buffer", id);
}

void Program::retype(TensorId temporary, DType dtype) {
    require(tensor(temporary).temporary(), "Program::retype: tensor {} is no temporary", temporary);
    tensors_[temporary].type.dtype = dtype;
}

std::string describe(const Program& program, const Operation& operation) {
    std::string text = traits_of(operation).name;
    const char* between = " of ";
    for_each_tensor(operation, [&](TensorId id, const TensorUse&) {
        text += between + to_string(program.shape(id));
        between = ", ";
    });
    return text;
}

std::string describe(const Program& program, size_t index) {
    return "operation " + std::to_string(index + 1) + " of " + std::to_string(program.operations().size()) + ", " +
           describe(program, program.operations()[index]);
}

}  // namespace adaq
