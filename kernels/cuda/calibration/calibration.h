// Calibration on a card: extremes, order statistics and range searches over float32 tensors. The answers come back to
// the host, so that each call waits for its kernels.
#pragma once

#include <span>
#include <vector>

#include "engine/program/device.h"
#include "kernels/cuda/memory.h"

namespace adaq::cuda {

/// x [groups, elements] in device memory.
struct Groups {
    const float* x;
    int64_t groups, elements;
};

/// NaN anywhere in a group makes both of its ends NaN.
std::vector<MinMax> min_max(const Groups& x, const Queue& queue);

/// x of each group sorted ascending, at the given ranks (0-based, ascending): [groups][ranks]. x has no NaN.
/// most_counted: elements that one launch counts; its counters have 32 bits.
std::vector<float> order_statistics(const Groups& x, std::span<const int64_t> ranks, const Queue& queue,
                                    int64_t most_counted = int64_t{1} << 31);

/// The candidate of each group with the smallest sum |x-hat - x|^p, the first of equals, errors and powers in float32
/// and sums in double; with search.joint one candidate for all groups. search.lo, search.hi: [groups][candidates].
std::vector<BestRange> best_range(const Groups& x, const RangeSearch& search, const Queue& queue);

/// A vector's copy in device memory.
template <typename T>
DeviceMemory on_device(std::span<const T> values, const Queue& queue,
                       std::source_location where = std::source_location::current()) {
    DeviceMemory memory(values.size_bytes(), false, where);
    queue.to_device(memory.get(), values.data(), values.size_bytes(), where);
    return memory;
}

template <typename T>
std::vector<T> on_host(const DeviceMemory& memory, size_t count, const Queue& queue,
                       std::source_location where = std::source_location::current()) {
    std::vector<T> values(count);
    queue.to_host(values.data(), memory.get(), count * sizeof(T), where);
    return values;
}

}  // namespace adaq::cuda
