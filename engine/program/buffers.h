// Tensors of a device made from values, and read back whole.
#pragma once

#include <vector>

#include "engine/program/device.h"

namespace adaq {

inline Buffer put(Device& device, const Shape& shape, const std::vector<float>& values, DType dtype = DType::f32) {
    Buffer buffer = device.create(shape, dtype);
    device.upload(*buffer, values);
    return buffer;
}

inline Buffer put(Device& device, const std::vector<int32_t>& integers) {
    Buffer buffer = device.create({static_cast<int64_t>(integers.size())}, DType::i32);
    device.upload_integers(*buffer, integers);
    return buffer;
}

inline Buffer zeros(Device& device, const Shape& shape) {
    return put(device, shape, std::vector<float>(element_count(shape)));
}

inline std::vector<float> get(Device& device, const DeviceTensor& tensor) {
    std::vector<float> values(element_count(tensor.shape()));
    device.download(tensor, values);
    return values;
}

}  // namespace adaq
