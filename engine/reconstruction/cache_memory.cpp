#include "engine/reconstruction/cache_memory.h"

#include <fmt/format.h>

#include <algorithm>

namespace adaq {
namespace {

int64_t bytes_of(const Shape& shape) { return element_count(shape) * static_cast<int64_t>(sizeof(float)); }

}  // namespace

CacheMemory::CacheMemory(Device& device, int64_t limit_bytes, Say say)
    : device_(device), limit_(limit_bytes), say_(std::move(say)) {}

int64_t CacheMemory::bytes_in(Placement placement) const {
    int64_t bytes = 0;
    for (const Made& made : made_) {
        const Buffer owned = made.placement == placement ? made.tensor.lock() : nullptr;
        if (owned) bytes += bytes_of(owned->shape());
    }
    return bytes;
}

Buffer CacheMemory::create(const Shape& shape) {
    std::erase_if(made_, [](const Made& made) { return made.tensor.expired(); });
    const int64_t in_device = bytes_in(Placement::device) + bytes_of(shape);
    const Placement placement = in_device <= limit_ ? Placement::device : Placement::spilled;
    if (placement == Placement::spilled && say_) {
        say_(fmt::format("Cached values of {:.1f} GB do not fit in {:.1f} GB (`memory`): part of them is spilled.",
                         static_cast<double>(in_device) / 1e9, static_cast<double>(limit_) / 1e9));
        say_ = nullptr;
    }
    most_ = std::max(most_, in_device + bytes_in(Placement::spilled));
    Buffer buffer = device_.create(shape, DType::f32, placement);
    made_.push_back({buffer, placement});
    return buffer;
}

}  // namespace adaq
