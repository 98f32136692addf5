#include "engine/reconstruction/cache_memory.h"

#include <fmt/format.h>

namespace adaq {
namespace {

int64_t bytes_of(const Shape& shape) { return element_count(shape) * static_cast<int64_t>(sizeof(float)); }

}  // namespace

CacheMemory::CacheMemory(Device& device, int64_t limit_bytes, Say say)
    : device_(device), limit_(limit_bytes), say_(std::move(say)) {}

int64_t CacheMemory::bytes_in_device() const {
    int64_t bytes = 0;
    for (const auto& tensor : in_device_) {
        if (const Buffer owned = tensor.lock()) bytes += bytes_of(owned->shape());
    }
    return bytes;
}

Buffer CacheMemory::create(const Shape& shape) {
    std::erase_if(in_device_, [](const auto& tensor) { return tensor.expired(); });
    if (bytes_in_device() + bytes_of(shape) <= limit_) {
        Buffer buffer = device_.create(shape);
        in_device_.push_back(buffer);
        return buffer;
    }
    if (say_) {
        say_(fmt::format("Cached values of {:.1f} GB do not fit in {:.1f} GB (--memory): part of them is spilled.",
                         static_cast<double>(bytes_in_device() + bytes_of(shape)) / 1e9,
                         static_cast<double>(limit_) / 1e9));
        say_ = nullptr;
    }
    return device_.create(shape, DType::f32, Placement::spilled);
}

}  // namespace adaq
