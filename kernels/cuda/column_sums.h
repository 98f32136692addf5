// Two sums of each channel over the rows of a tensor, group by group: [groups, rows, channels]. A block takes 32
// channels of a slab of a group's rows, and leaves the slabs' sums behind each other, for whoever goes on to add up
// (total()); in double, so that a variance comes out right where the mean is large.
//
// `Terms` is what a kernel takes; its of(index, channel) returns an element's two terms.
#pragma once

#include <algorithm>

#include "engine/tensor.h"
#include "kernels/cuda/platform.h"

namespace adaq::cuda {

inline constexpr int kColumnRows = 8;  // of a block at a time
inline constexpr int64_t kMostSlabs = 256, kRowsOfSlab = 64;

struct ColumnSums {
    int64_t groups, rows, channels, slabs;

    /// The first extent is divided into `groups`, each of which is summed by itself.
    ColumnSums(const Shape& x, int64_t of_groups)
        : groups(of_groups),
          rows(element_count(x) / x.back() / of_groups),
          channels(x.back()),
          slabs(std::clamp(ceil_div(rows, kRowsOfSlab), int64_t{1}, std::max(kMostSlabs / of_groups, int64_t{1}))) {}
    size_t count() const { return groups * slabs * 2 * channels; }
    size_t scratch_bytes() const { return count() * sizeof(double); }
};

/// x and x^2.
struct Moments {
    const float* x;
    __device__ double2 of(int64_t index, int64_t) const {
        const double v = static_cast<double>(x[index]);
        return {v, v * v};
    }
};

template <typename Terms>
__global__ void column_sums_kernel(Terms terms, ColumnSums s, double* partials) {
    SharedMemory shared;
    auto* sums = shared.take<double2>(kColumnRows * kWarp);
    const int lane = static_cast<int>(threadIdx.x), row = static_cast<int>(threadIdx.y);
    const int64_t c = int64_t{blockIdx.x} * kWarp + lane, slab = blockIdx.y, group = blockIdx.z;
    double2 sum{0.0, 0.0};
    if (inside(c, s.channels)) {
        for (int64_t i = slab * kColumnRows + row; inside(i, s.rows); i += s.slabs * kColumnRows) {
            const double2 term = terms.of((group * s.rows + i) * s.channels + c, c);
            sum.x += term.x;
            sum.y += term.y;
        }
    }
    sums[row * kWarp + lane] = sum;
    __syncthreads();
    if (row != 0 || !inside(c, s.channels)) return;
    for (int i = 1; i < kColumnRows; ++i) {
        sum.x += sums[i * kWarp + lane].x;
        sum.y += sums[i * kWarp + lane].y;
    }
    double* const of_slab = partials + (group * s.slabs + slab) * 2 * s.channels;
    of_slab[c] = sum.x;
    of_slab[s.channels + c] = sum.y;
}

__device__ inline double2 total(const double* partials, const ColumnSums& s, int64_t group, int64_t c) {
    double2 sum{0.0, 0.0};
    for (int64_t slab = group * s.slabs; slab < (group + 1) * s.slabs; ++slab) {
        sum.x += partials[(slab * 2) * s.channels + c];
        sum.y += partials[(slab * 2 + 1) * s.channels + c];
    }
    return sum;
}

/// partials: s.scratch_bytes() of scratch.
template <typename Terms>
void sum_columns(const Terms& terms, const ColumnSums& s, double* partials, cudaStream_t stream) {
    const dim3 grid(blocks_along_x(ceil_div(s.channels, kWarp)), blocks_along_yz(s.slabs), blocks_along_yz(s.groups));
    launch(column_sums_kernel<Terms>, grid, dim3(kWarp, kColumnRows), shared_bytes<double2>(kColumnRows * kWarp),
           stream, terms, s, partials);
}

}  // namespace adaq::cuda
