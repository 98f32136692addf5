// Order statistics without sorting everything: radix select on order-preserving integers, all ranks at once.
// Cost: large groups are read three times (12 B an element), once for each digit of 11, 11 and 10 bits: the first pass
// counts the top digit, the next ones only elements whose upper digits some rank still needs. Counters are integers, so
// that the order of additions does not matter. Groups of up to 8192 elements are sorted in shared memory, a block each.
#include <algorithm>

#include "engine/program/device.h"
#include "kernels/cuda/calibration/calibration.h"
#include "kernels/cuda/platform.h"

namespace adaq::cuda {
namespace {

constexpr int kOrderThreads = 256;
constexpr int64_t kSortedElements = 8192;  // 32 KiB: any card's shared memory
constexpr int64_t kSharedCounters = 8192;
constexpr unsigned kCountingBlocks = 512;

/// Unsigned integers in the order of the floats. Negative zero counts as zero.
__host__ __device__ inline uint32_t key_of(float value) {
    union {
        float value;
        uint32_t bits;
    } word{value + 0.0f};
    return (word.bits & 0x80000000u) != 0 ? ~word.bits : word.bits | 0x80000000u;
}

__host__ __device__ inline float value_of(uint32_t key) {
    union {
        uint32_t bits;
        float value;
    } word{(key & 0x80000000u) != 0 ? key & 0x7fffffffu : ~key};
    return word.value;
}

// ---- small groups: bitonic sort -------------------------------------------------------------------------------------

__global__ void sort_kernel(Groups g, int padded, const int64_t* ranks, int64_t rank_count, float* result) {
    SharedMemory shared;
    auto* keys = shared.take<uint32_t>(padded);
    const int64_t group = blockIdx.x;
    for (int i = static_cast<int>(threadIdx.x); inside(i, padded); i += kOrderThreads)
        keys[i] = inside(i, g.elements) ? key_of(g.x[group * g.elements + i]) : 0xFFFFFFFFu;
    __syncthreads();
    for (int size = 2; size <= padded; size *= 2) {
        for (int distance = size / 2; distance > 0; distance /= 2) {
            for (int pair = static_cast<int>(threadIdx.x); inside(pair, padded / 2); pair += kOrderThreads) {
                const int low = pair / distance * (2 * distance) + pair % distance, high = low + distance;
                const bool ascending = (low & size) == 0;
                const uint32_t a = keys[low], b = keys[high];
                if ((a > b) == ascending) {
                    keys[low] = b;
                    keys[high] = a;
                }
            }
            __syncthreads();
        }
    }
    for (int64_t i = threadIdx.x; inside(i, rank_count); i += kOrderThreads)
        result[group * rank_count + i] = value_of(keys[ranks[i]]);
}

std::vector<float> sort_groups(const Groups& x, std::span<const int64_t> ranks, const Queue& queue) {
    int padded = 2;
    while (padded < x.elements) padded *= 2;
    const DeviceMemory on_card = on_device(ranks, queue);
    const size_t count = x.groups * ranks.size();
    const DeviceMemory result(count * sizeof(float));
    launch(sort_kernel, dim3(blocks_along_x(x.groups)), dim3(kOrderThreads), shared_bytes<uint32_t>(padded),
           queue.get(), x, padded, on_card.as<int64_t>(), static_cast<int64_t>(ranks.size()), result.as<float>());
    return on_host<float>(result, count, queue);
}

// ---- large groups: radix select -------------------------------------------------------------------------------------

/// One pass over a group: how many elements below each of `prefixes` have each value of the digit under it.
struct Digit {
    int shift, bits;  // key >> shift & (2^bits - 1)
    __host__ __device__ uint32_t of(uint32_t key) const { return key >> shift & ((1u << bits) - 1u); }
    __host__ __device__ uint32_t above(uint32_t key) const { return shift + bits == 32 ? 0 : key >> (shift + bits); }
    int64_t values() const { return int64_t{1} << bits; }
};
constexpr Digit kDigits[] = {{21, 11}, {10, 11}, {0, 10}};

__global__ void count_kernel(const float* x, int64_t elements, Digit digit, const uint32_t* prefixes,
                             int64_t prefix_count, uint32_t* counts, int64_t shared_counters) {
    SharedMemory shared;
    auto* local = shared.take<uint32_t>(shared_counters);
    for (int64_t i = threadIdx.x; inside(i, shared_counters); i += kOrderThreads) local[i] = 0;
    __syncthreads();
    uint32_t* const counters = shared_counters > 0 ? local : counts;
    for (int64_t i = int64_t{blockIdx.x} * kOrderThreads + threadIdx.x; inside(i, elements);
         i += int64_t{gridDim.x} * kOrderThreads) {
        const uint32_t key = key_of(x[i]), prefix = digit.above(key);
        int64_t low = 0, high = prefix_count;  // the first prefix that is not smaller
        while (low < high) {
            const int64_t middle = (low + high) / 2;
            if (prefixes[middle] < prefix) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        if (inside(low, prefix_count) && prefixes[low] == prefix)
            atomicAdd(counters + (low << digit.bits) + digit.of(key), 1u);
    }
    __syncthreads();
    for (int64_t i = threadIdx.x; inside(i, shared_counters); i += kOrderThreads) {
        if (local[i] != 0) atomicAdd(counts + i, local[i]);
    }
}

/// [prefixes][values of the digit]. Pieces of at most `most` elements are counted by themselves.
std::vector<int64_t> count_digit(const float* x, int64_t elements, Digit digit, const std::vector<uint32_t>& prefixes,
                                 int64_t most, const Queue& queue) {
    const DeviceMemory on_card = on_device(std::span<const uint32_t>(prefixes), queue);
    const int64_t counters = static_cast<int64_t>(prefixes.size()) * digit.values();
    const int64_t in_shared = counters <= kSharedCounters ? counters : 0;
    const DeviceMemory counts(counters * sizeof(uint32_t));
    std::vector<int64_t> sums(counters);
    for (int64_t first = 0; first < elements; first += most) {
        const int64_t count = std::min(most, elements - first);
        check_cuda(cudaMemsetAsync(counts.get(), 0, counts.bytes(), queue.get()));
        const auto blocks = static_cast<unsigned>(std::min<int64_t>(ceil_div(count, kOrderThreads), kCountingBlocks));
        launch(count_kernel, dim3(blocks), dim3(kOrderThreads), shared_bytes<uint32_t>(in_shared), queue.get(),
               x + first, count, digit, on_card.as<uint32_t>(), static_cast<int64_t>(prefixes.size()),
               counts.as<uint32_t>(), in_shared);
        const auto of_piece = on_host<uint32_t>(counts, counters, queue);
        for (size_t i = 0; i < sums.size(); ++i) sums[i] += of_piece[i];
    }
    return sums;
}

/// A rank, what is known of its key, and how many elements with that prefix lie below it.
struct Search {
    uint32_t prefix = 0;
    int64_t rank = 0;
};

std::vector<float> select(const float* x, int64_t elements, std::span<const int64_t> ranks, int64_t most,
                          const Queue& queue) {
    std::vector<Search> searches;
    for (int64_t rank : ranks) searches.push_back({0, rank});
    for (const Digit digit : kDigits) {
        std::vector<uint32_t> prefixes;  // ascending, as the ranks are
        for (const Search& search : searches) {
            if (prefixes.empty() || prefixes.back() != search.prefix) prefixes.push_back(search.prefix);
        }
        const std::vector<int64_t> counts = count_digit(x, elements, digit, prefixes, most, queue);
        for (Search& search : searches) {
            const auto slot = std::lower_bound(prefixes.begin(), prefixes.end(), search.prefix) - prefixes.begin();
            const int64_t* of_prefix = counts.data() + slot * digit.values();
            uint32_t value = 0;
            for (; inside(value + 1, digit.values()) && search.rank >= of_prefix[value]; ++value)
                search.rank -= of_prefix[value];
            search.prefix = search.prefix << digit.bits | value;
        }
    }
    std::vector<float> result;
    for (const Search& search : searches) result.push_back(value_of(search.prefix));
    return result;
}

}  // namespace

std::vector<float> order_statistics(const Groups& x, std::span<const int64_t> ranks, const Queue& queue,
                                    int64_t most_counted) {
    check_ranks(ranks, x.elements);
    if (ranks.empty()) return {};
    if (x.elements <= kSortedElements) return sort_groups(x, ranks, queue);
    std::vector<float> result;
    for (int64_t group = 0; group < x.groups; ++group) {
        const std::vector<float> of_group = select(x.x + group * x.elements, x.elements, ranks, most_counted, queue);
        result.insert(result.end(), of_group.begin(), of_group.end());
    }
    return result;
}

}  // namespace adaq::cuda
