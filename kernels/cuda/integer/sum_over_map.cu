// y[N,C] = sum over H,W of x - x_zero, as integers or times a scale.
// Cost: 1 B read a code (4 B a value), one addition. Memory bound. A thread an output, neighbours at neighbouring
// channels, so that each position's channels are read together.
#include <type_traits>

#include "kernels/cuda/compiled_operation.h"
#include "kernels/cuda/platform.h"

namespace adaq::cuda {
namespace {

constexpr int kSumThreads = 128;

/// Sums of codes are integers; of values, float64 in the order of positions.
template <typename X, typename Y>
__global__ void sum_over_map_kernel(const X* x, Y* y, int64_t outputs, int64_t channels, int64_t positions, int zero,
                                    float scale) {
    using Sum = std::conditional_t<std::is_same_v<X, float>, double, int64_t>;
    const int64_t index = int64_t{blockIdx.x} * kSumThreads + threadIdx.x;
    if (!inside(index, outputs)) return;
    const int64_t n = index / channels, c = index % channels;
    Sum sum = 0;
    for (int64_t i = 0; i < positions; ++i)
        sum += static_cast<Sum>(x[(n * positions + i) * channels + c]) - static_cast<Sum>(zero);
    if constexpr (std::is_same_v<Y, float>) {
        y[index] = scale * static_cast<float>(sum);
    } else {
        y[index] = static_cast<Y>(sum);
    }
}

template <typename X, typename Y>
CompiledOperation compile_sum(const Context& context, const SumOverMap& op) {
    const Shape& shape = context.shape(op.x);
    const X* x = context.elements<X>(op.x);
    Y* y = context.elements<Y>(op.y);
    const int64_t outputs = shape[0] * shape[3], channels = shape[3], positions = shape[1] * shape[2];
    const int zero = op.x_zero;
    const float scale = op.scale;
    return {0, [=](cudaStream_t stream, void*) {
                launch(sum_over_map_kernel<X, Y>, dim3(blocks_along_x(ceil_div(outputs, kSumThreads))),
                       dim3(kSumThreads), 0, stream, x, y, outputs, channels, positions, zero, scale);
            }};
}

}  // namespace

CompiledOperation compile_operation(const Context& context, const SumOverMap& op) {
    if (context.type(op.x) == DType::f32) return compile_sum<float, float>(context, op);
    if (context.type(op.y) == DType::f32) return compile_sum<uint8_t, float>(context, op);
    return compile_sum<uint8_t, int32_t>(context, op);
}

}  // namespace adaq::cuda
