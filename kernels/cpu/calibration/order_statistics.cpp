// Order statistics without sorting everything. Small groups: std::nth_element down to the extremes that are asked for,
// which are then sorted. Large groups: a histogram over the upper 16 bits of the values (as order-preserving integers)
// says which buckets hold the ranks; only those are gathered and sorted. Two passes over memory, whatever the ranks.
#include <algorithm>
#include <array>
#include <bit>
#include <numeric>

#include "engine/program/device.h"
#include "kernels/cpu/calibration/calibration.h"

namespace adaq::cpu {
namespace {

constexpr int64_t kLargeGroup = 1 << 20;
constexpr int kBuckets = 1 << 16;
constexpr int64_t kSlices = 16;  // of a large group, each with its own histogram

/// Unsigned integers in the order of the floats. Negative zero counts as zero.
uint32_t key_of(float value) {
    const auto bits = std::bit_cast<uint32_t>(value + 0.0f);
    return (bits & 0x80000000u) != 0 ? ~bits : bits | 0x80000000u;
}

float value_of(uint32_t key) { return std::bit_cast<float>((key & 0x80000000u) != 0 ? key & 0x7fffffffu : ~key); }

std::span<const float> slice_of(std::span<const float> x, int64_t slice) {
    const auto n = static_cast<int64_t>(x.size());
    const int64_t first = n * slice / kSlices, last = n * (slice + 1) / kSlices;
    return x.subspan(first, last - first);
}

using Counts = std::vector<int64_t>;  // [kBuckets]

std::vector<Counts> count_buckets(std::span<const float> x) {
    std::vector<Counts> counts(kSlices);
#pragma omp parallel for schedule(dynamic)
    for (int64_t slice = 0; slice < kSlices; ++slice) {
        Counts of_slice(kBuckets, 0);
        for (float value : slice_of(x, slice)) ++of_slice[key_of(value) >> 16];
        counts[slice] = std::move(of_slice);
    }
    return counts;
}

/// The buckets that some rank falls into, with the rank of each bucket's first element.
struct Bucket {
    uint32_t id;
    int64_t first_rank, size;
    int64_t offset;  // into the gathered keys
};

std::vector<Bucket> needed_buckets(const std::vector<Counts>& counts, std::span<const int64_t> ranks) {
    std::vector<Bucket> buckets;
    int64_t first_rank = 0, offset = 0;
    size_t next = 0;
    for (uint32_t id = 0; id < kBuckets && next < ranks.size(); ++id) {
        int64_t size = 0;
        for (const Counts& of_slice : counts) size += of_slice[id];
        if (ranks[next] < first_rank + size) {
            buckets.push_back({id, first_rank, size, offset});
            offset += size;
            while (next < ranks.size() && ranks[next] < first_rank + size) ++next;
        }
        first_rank += size;
    }
    return buckets;
}

/// The keys of the needed buckets, bucket after bucket.
std::vector<uint32_t> gather(std::span<const float> x, const std::vector<Counts>& counts,
                             const std::vector<Bucket>& buckets) {
    std::vector<uint32_t> keys(buckets.back().offset + buckets.back().size);
    std::vector<Counts> cursors(kSlices, Counts(kBuckets, -1));  // -1: not needed
    for (const Bucket& bucket : buckets) {
        int64_t offset = bucket.offset;
        for (size_t slice = 0; slice < kSlices; ++slice) {
            cursors[slice][bucket.id] = offset;
            offset += counts[slice][bucket.id];
        }
    }
#pragma omp parallel for schedule(dynamic)
    for (int64_t slice = 0; slice < kSlices; ++slice) {
        Counts& cursor = cursors[slice];
        for (float value : slice_of(x, slice)) {
            const uint32_t key = key_of(value);
            int64_t& position = cursor[key >> 16];
            if (position >= 0) keys[position++] = key;
        }
    }
    return keys;
}

/// Sorts keys that share their upper half: by comparison, or by counting where there are many.
void sort_bucket(std::span<uint32_t> keys) {
    if (keys.size() < kBuckets) {
        std::sort(keys.begin(), keys.end());
        return;
    }
    Counts counts(kBuckets, 0);
    for (uint32_t key : keys) ++counts[key & 0xffffu];
    const uint32_t upper = keys[0] & 0xffff0000u;
    auto position = keys.begin();
    for (uint32_t low = 0; low < kBuckets; ++low) position = std::fill_n(position, counts[low], upper | low);
}

void select_large(std::span<const float> x, std::span<const int64_t> ranks, std::span<float> result) {
    const std::vector<Counts> counts = count_buckets(x);
    const std::vector<Bucket> buckets = needed_buckets(counts, ranks);
    std::vector<uint32_t> keys = gather(x, counts, buckets);
#pragma omp parallel for schedule(dynamic)
    for (size_t b = 0; b < buckets.size(); ++b) {
        const Bucket& bucket = buckets[b];
        sort_bucket(std::span(keys).subspan(bucket.offset, bucket.size));
    }
    size_t b = 0;
    for (size_t i = 0; i < ranks.size(); ++i) {
        while (ranks[i] >= buckets[b].first_rank + buckets[b].size) ++b;
        result[i] = value_of(keys[buckets[b].offset + ranks[i] - buckets[b].first_rank]);
    }
}

void select_small(std::span<const float> x, std::span<const int64_t> ranks, std::span<float> result) {
    std::vector<float> values(x.begin(), x.end());
    // The ranks of the lower half lie in [0, low_end), those of the upper half in [high_begin, n).
    const auto n = static_cast<int64_t>(values.size());
    const auto split = std::lower_bound(ranks.begin(), ranks.end(), n / 2);
    const int64_t low_end = split == ranks.begin() ? 0 : *(split - 1) + 1;
    const int64_t high_begin = split == ranks.end() ? n : *split;
    const auto low = values.begin() + low_end, high = values.begin() + high_begin;
    if (low_end > 0) std::nth_element(values.begin(), low - 1, values.end());
    if (high_begin < n) std::nth_element(low, high, values.end());
    std::sort(values.begin(), low);
    std::sort(high, values.end());
    for (size_t i = 0; i < ranks.size(); ++i) result[i] = values[ranks[i]];
}

}  // namespace

std::vector<float> order_statistics(std::span<const float> x, int64_t groups, std::span<const int64_t> ranks) {
    const int64_t elements = static_cast<int64_t>(x.size()) / groups;
    check_ranks(ranks, elements);
    std::vector<float> result(groups * ranks.size());
    if (ranks.empty()) return result;
    const auto group_of = [&](int64_t group) { return x.subspan(group * elements, elements); };
    const auto result_of = [&](int64_t group) { return std::span(result).subspan(group * ranks.size(), ranks.size()); };
    if (elements >= kLargeGroup) {
        for (int64_t group = 0; group < groups; ++group) select_large(group_of(group), ranks, result_of(group));
    } else {
#pragma omp parallel for schedule(dynamic)
        for (int64_t group = 0; group < groups; ++group) select_small(group_of(group), ranks, result_of(group));
    }
    return result;
}

}  // namespace adaq::cpu
