// The extents of a convolution as kernels want them. A fully connected layer is one of 1 x 1 maps.
#pragma once

#include "engine/error.h"
#include "kernels/cuda/compiled_operation.h"
#include "kernels/cuda/convolution/choice.h"

namespace adaq::cuda {

/// Elements of an operand that one copy of 16 bytes takes: bf16 in that arithmetic, else floats.
constexpr int vector_of(Math math) { return math == Math::bf16 ? 8 : 4; }

/// Whether pixels and filters of so many channels are made of whole copies.
constexpr bool in_vectors(int64_t c, int64_t k, Math math) {
    return c % vector_of(math) == 0 && k % vector_of(math) == 0;
}

struct ConvolutionSizes {
    int n, h, w, c;  // x
    int k, r, s;     // filters
    int p, q;        // y
    ConvolutionWindow slide = {};

    __host__ __device__ int64_t pixels_out() const { return int64_t{n} * p * q; }
    __host__ __device__ int group_c() const { return c / slide.groups; }
    __host__ __device__ int64_t window() const { return int64_t{r} * s * group_c(); }
    __host__ __device__ int64_t outputs() const { return pixels_out() * k; }
};

inline ConvolutionSizes convolution_sizes(const Shape& x, const Shape& w, const Shape& y,
                                          const ConvolutionWindow& window) {
    const auto narrow = [](int64_t extent) { return static_cast<int>(extent); };
    for (const Shape* shape : {&x, &w, &y})
        require(element_count(*shape) < int64_t{1} << 31, "cuda: a tensor of {}", to_string(*shape));
    return {narrow(x[0]), narrow(x[1]), narrow(x[2]), narrow(x[3]), narrow(w[0]),
            narrow(w[1]), narrow(w[2]), narrow(y[1]), narrow(y[2]), window};
}

/// How much of k a stage holds: 128 bytes of it, 64 where products run on the ordinary cores. vectors: operands are
/// copied 16 bytes at a time.
constexpr int k_tile(Math math, bool vectors) {
    if (math == Math::f32) return 16;
    return math == Math::bf16 && vectors ? 64 : 32;
}

/// The products that the three directions are.
inline Product forward_product(const ConvolutionSizes& z) { return {z.pixels_out(), z.k, z.window()}; }
inline Product to_data_product(const ConvolutionSizes& z) {
    const int64_t down = z.slide.stride_h, right = z.slide.stride_w;
    // The first parity is the largest.
    const auto of_parity = [](int64_t extent, int64_t stride) { return (extent + stride - 1) / stride; };
    return {z.n * of_parity(z.h, down) * of_parity(z.w, right), z.c, of_parity(z.r, down) * of_parity(z.s, right) * z.k,
            static_cast<int>(down * right)};
}
inline Product to_weights_product(const ConvolutionSizes& z) { return {z.k, z.window(), z.pixels_out()}; }

inline ConvolutionSizes linear_sizes(const Shape& x, const Shape& w) {
    return convolution_sizes({x[0], 1, 1, w[1]}, {w[0], 1, 1, w[1]}, {x[0], 1, 1, w[0]}, {});
}

}  // namespace adaq::cuda
