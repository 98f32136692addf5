// Cost: 1 B read a weight; 1 B read a code and each tap that sees it, from the caches. A warp a sum.
#include "kernels/cuda/integer/zero_points.h"

#include "kernels/cuda/convolution/divided_sizes.h"
#include "kernels/cuda/reduce.h"

namespace adaq::cuda {
namespace {

constexpr int kZeroPointThreads = 128, kWarps = kZeroPointThreads / kWarp;

__device__ int64_t sum_of_warp() { return int64_t{blockIdx.x} * kWarps + threadIdx.x / kWarp; }
__device__ int lane() { return static_cast<int>(threadIdx.x) % kWarp; }

/// Modulo 2^32.
__device__ void write_total(int sum, int factor, int32_t* to) {
    const auto total = static_cast<uint32_t>(warp_reduce(sum));
    if (lane() == 0) *to = static_cast<int32_t>(static_cast<uint32_t>(factor) * total);
}

__global__ void __launch_bounds__(kZeroPointThreads)
    weight_sums_kernel(const int8_t* w, int64_t window, int channels, int factor, int32_t* sums) {
    const int64_t k = sum_of_warp();
    if (!inside(k, channels)) return;
    int sum = 0;
    for (int64_t i = lane(); inside(i, window); i += kWarp) sum += w[k * window + i];
    write_total(sum, factor, sums + k);
}

struct Windows : DividedSizes {
    const uint8_t* x;
    int zero;

    Windows(const ConvolutionSizes& of, const uint8_t* codes, int zero_of_codes)
        : DividedSizes(of), x(codes), zero(zero_of_codes) {}
};

__global__ void __launch_bounds__(kZeroPointThreads) window_sums_kernel(Windows g, int32_t* sums) {
    const ConvolutionSizes& z = g.sizes;
    const int64_t row = sum_of_warp();
    if (!inside(row, z.pixels_out())) return;
    const int line = g.by_q.quotient(static_cast<int>(row)), n = g.by_p.quotient(line);
    const int top = g.by_p.remainder(line, n) * z.slide.stride_h - z.slide.top,
              left = g.by_q.remainder(static_cast<int>(row), line) * z.slide.stride_w - z.slide.left;
    int sum = 0;
    for (int i = lane(); inside(i, z.window()); i += kWarp) {
        const int tap = g.by_c.quotient(i), r = g.by_s.quotient(tap);
        const int h = top + r * z.slide.dilation_h, w = left + g.by_s.remainder(tap, r) * z.slide.dilation_w;
        if (!inside(static_cast<unsigned>(h), z.h) || !inside(static_cast<unsigned>(w), z.w)) continue;
        sum += g.x[((int64_t{n} * z.h + h) * z.w + w) * z.c + g.by_c.remainder(i, tap)] - g.zero;
    }
    write_total(sum, 1, sums + row);
}

}  // namespace

void sum_weights(const int8_t* w, const ConvolutionSizes& sizes, int factor, int32_t* sums, cudaStream_t stream) {
    launch(weight_sums_kernel, dim3(blocks_along_x(ceil_div(sizes.k, kWarps))), dim3(kZeroPointThreads), 0, stream, w,
           sizes.window(), sizes.k, factor, sums);
}

void sum_windows(const uint8_t* x, const ConvolutionSizes& sizes, int zero, int32_t* sums, cudaStream_t stream) {
    launch(window_sums_kernel, dim3(blocks_along_x(ceil_div(sizes.pixels_out(), kWarps))), dim3(kZeroPointThreads), 0,
           stream, Windows(sizes, x, zero), sums);
}

}  // namespace adaq::cuda
