// A layer's sums without tensor cores, each by one warp: for what those cannot hold. Integers (codes, i32 sums of
// codes) are added up in 64 bits, integers that lie in float32 in double; either way without error, and rounded to
// float32 once. Cost: an operand's elements for each product, from the caches, as neighbouring warps share a row of x.
// For layers that are few or small.
#pragma once

#include <type_traits>

#include "kernels/cuda/convolution/sizes.h"
#include "kernels/cuda/fast_divide.h"
#include "kernels/cuda/reduce.h"

namespace adaq::cuda {

template <typename X, typename W>
struct PlainProduct {
    const X* x;
    const W* w;
    ConvolutionSizes sizes;
    int x_zero = 0;
    const int32_t* w_zero = nullptr;  // [k]
    const int32_t* bias = nullptr;    // [k]
    FastDivide by_c, by_s, by_q, by_p, by_k, by_group_k;

    PlainProduct(const X* of_x, const W* of_w, const ConvolutionSizes& z, int zero, const int32_t* zeros,
                 const int32_t* biases = nullptr)
        : x(of_x),
          w(of_w),
          sizes(z),
          x_zero(zero),
          w_zero(zeros),
          bias(biases),
          by_c(z.group_c()),
          by_s(z.s),
          by_q(z.q),
          by_p(z.p),
          by_k(z.k),
          by_group_k(z.k / z.slide.groups) {}
};

inline constexpr int kPlainThreads = 128;

template <typename X, typename W, typename Finish>
__global__ void __launch_bounds__(kPlainThreads, 6) plain_kernel(PlainProduct<X, W> p, Finish finish) {
    using Sum = std::conditional_t<std::is_same_v<X, float>, double, long long>;
    constexpr int kWarps = kPlainThreads / kWarp;
    const ConvolutionSizes& z = p.sizes;
    const int64_t output = int64_t{blockIdx.x} * kWarps + threadIdx.x / kWarp;
    if (!inside(output, z.outputs())) return;
    const int row = p.by_k.quotient(static_cast<int>(output)), k = p.by_k.remainder(static_cast<int>(output), row);
    const int line = p.by_q.quotient(row), n = p.by_p.quotient(line);
    const int top = p.by_p.remainder(line, n) * z.slide.stride_h - z.slide.top,
              left = p.by_q.remainder(row, line) * z.slide.stride_w - z.slide.left;
    const auto x_zero = static_cast<Sum>(p.x_zero), w_zero = static_cast<Sum>(p.w_zero ? p.w_zero[k] : 0);
    const int64_t window = z.window();
    const int first_c = p.by_group_k.quotient(k) * z.group_c();
    const W* const weights = p.w + k * window;
    Sum sum = 0;
    for (int i = static_cast<int>(threadIdx.x) % kWarp; inside(i, window); i += kWarp) {
        const int tap = p.by_c.quotient(i), r = p.by_s.quotient(tap);
        const int h = top + r * z.slide.dilation_h, w = left + p.by_s.remainder(tap, r) * z.slide.dilation_w;
        if (!inside(static_cast<unsigned>(h), z.h) || !inside(static_cast<unsigned>(w), z.w)) continue;
        const int64_t pixel = (int64_t{n} * z.h + h) * z.w + w;
        sum += (static_cast<Sum>(p.x[pixel * z.c + first_c + p.by_c.remainder(i, tap)]) - x_zero) *
               (static_cast<Sum>(weights[i]) - w_zero);
    }
    sum = warp_reduce(sum);
    if (threadIdx.x % kWarp != 0) return;
    if (p.bias) sum += static_cast<Sum>(p.bias[k]);
    float v[1] = {static_cast<float>(sum)};
    finish.load().template run<1>(v, output, k);
}

template <typename X, typename W, typename Finish>
CompiledOperation compile_plain(const PlainProduct<X, W>& product, const Finish& finish) {
    const unsigned blocks = blocks_along_x(ceil_div(product.sizes.outputs(), kPlainThreads / kWarp));
    return {0, [=](cudaStream_t stream, void*) {
                launch(plain_kernel<X, W, Finish>, dim3(blocks), dim3(kPlainThreads), 0, stream, product, finish);
            }};
}

}  // namespace adaq::cuda
