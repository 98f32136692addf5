// Bounds checks of tensors in files and their conversion to float32; see raw_tensor.h.
#include "loaders/weights/raw_tensor.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "engine/error.h"
#include "engine/printable.h"

namespace adaq {
namespace {

/// Index of the last element in the storage, or nothing where it does not fit. The tensor is not empty.
std::optional<int64_t> last_index(const Shape& shape, const Shape& strides, int64_t offset) {
    int64_t last = offset;
    for (size_t axis = 0; axis < shape.size(); ++axis) {
        int64_t reach = 0;
        if (strides[axis] < 0 || __builtin_mul_overflow(shape[axis] - 1, strides[axis], &reach)) return {};
        if (__builtin_add_overflow(last, reach, &last)) return {};
    }
    return last;
}

bool is_contiguous(const RawTensor& tensor) {
    const Shape dense = contiguous_strides(tensor.shape);
    for (size_t axis = 0; axis < dense.size(); ++axis)
        if (tensor.shape[axis] != 1 && tensor.strides[axis] != dense[axis]) return false;
    return true;
}

/// Calls use(index of the element in the storage) for each element, last axis fastest.
template <typename Use>
void for_each_element(const Shape& shape, const Shape& strides, int64_t count, Use use) {
    Shape index(shape.size(), 0);
    int64_t position = 0;
    for (int64_t i = 0; i < count; ++i) {
        use(position);
        for (size_t axis = shape.size(); axis-- > 0;) {
            position += strides[axis];
            if (++index[axis] < shape[axis]) break;
            position -= strides[axis] * shape[axis];
            index[axis] = 0;
        }
    }
}

}  // namespace

std::optional<int64_t> checked_count(const Shape& shape) {
    int64_t count = 1;
    for (int64_t extent : shape)
        if (extent < 0 || __builtin_mul_overflow(count, extent, &count)) return {};
    return count;
}

Shape contiguous_strides(const Shape& shape) {
    Shape strides(shape.size());
    int64_t stride = 1;
    for (size_t axis = shape.size(); axis-- > 0;) {
        strides[axis] = stride;
        (void)__builtin_mul_overflow(stride, shape[axis], &stride);  // fits unless the tensor is empty
    }
    return strides;
}

RawTensor make_raw_tensor(const std::string& file, std::string_view name, StoredType dtype, const Shape& shape,
                          const Shape& strides, int64_t offset, std::span<const std::byte> storage) {
    const auto capacity = static_cast<int64_t>(storage.size() / bytes_of(dtype));
    const std::optional<int64_t> count = checked_count(shape);
    if (!count || offset < 0 || shape.size() != strides.size() || *count > std::max(capacity, kMostRepeated))
        data_error("{}: {} has shape {} at element {} of a storage of {} elements", file, printable(name),
                   to_string(shape), offset, capacity);
    if (*count == 0) return {dtype, shape, strides, {}};
    const std::optional<int64_t> last = last_index(shape, strides, offset);
    if (!last || *last >= capacity)
        data_error("{}: {} (shape {}, strides {}, from element {}) reaches beyond its storage of {} elements", file,
                   printable(name), to_string(shape), to_string(strides), offset, capacity);
    Shape steps = strides;
    for (size_t axis = 0; axis < shape.size(); ++axis)
        if (shape[axis] == 1) steps[axis] = 0;  // never stepped along, whatever the file says
    return {dtype, shape, steps, storage.subspan(offset * bytes_of(dtype))};
}

Tensor float_tensor(const std::string& file, const std::string& name, const RawTensor& tensor) {
    if (!is_float(tensor.dtype))
        data_error("{}: {} holds {}, expected floating-point values", file, printable(name), name_of(tensor.dtype));
    Tensor result(tensor.shape);
    if (result.values.empty()) return result;
    if (tensor.dtype == StoredType::f32 && !tensor.negative && is_contiguous(tensor)) {
        std::memcpy(result.values.data(), tensor.bytes.data(), result.values.size() * sizeof(float));
    } else {
        float* next = result.values.data();
        const size_t size = bytes_of(tensor.dtype);
        const float sign = tensor.negative ? -1.0f : 1.0f;
        for_each_element(tensor.shape, tensor.strides, result.size(), [&](int64_t position) {
            *next++ = sign * load_float(tensor.dtype, tensor.bytes.data() + position * size);
        });
    }
    check_finite(file, name, result.values);
    return result;
}

void check_finite(const std::string& file, const std::string& name, std::span<const float> values) {
    for (size_t i = 0; i < values.size(); ++i)
        if (!std::isfinite(values[i]))
            data_error("{}: {} holds {} at element {}, expected finite values", file, printable(name), values[i], i);
}

}  // namespace adaq
