// loss = factor * sum of weight * |y - target|^p and its gradient, the target's rows straight from their cache.
// Cost: 8 B read and 4 B written an element (2 B in bf16; 4 read more with weights), 4 flops, or a power. Memory bound;
// a thread takes runs of 8 elements of one row, the loss is summed a block, then over blocks.
#include "kernels/cuda/arguments.h"
#include "kernels/cuda/compiled_operation.h"
#include "kernels/cuda/elements.h"
#include "kernels/cuda/fast_divide.h"

namespace adaq::cuda {
namespace {

struct SquaredErrorWork {
    const float *y, *target, *weight, *indices;
    Target dy;
    FastDivide row;
    float factor, exponent;

    template <int Count>
    __device__ float run(int64_t first) const {
        const int index = static_cast<int>(first), i = row.quotient(index), offset = row.remainder(index, i);
        const int64_t source = (indices ? static_cast<int64_t>(indices[i]) : i) * row.divisor + offset;
        float v[Count], other[Count], weights[Count];
        load_run<Count>(v, y + first);
        load_run<Count>(other, target + source);
        if (weight) load_run<Count>(weights, weight + source);
        float sum = 0.0f;
#pragma unroll
        for (int j = 0; j < Count; ++j) {
            const float error = v[j] - other[j], size = fabsf(error), by = weight ? weights[j] : 1.0f;
            const float power = exponent == 2.0f ? size : powf(size, exponent - 1.0f);
            sum += by * (power * size);
            // An error of 0 has no slope, also where the exponent is 1.
            v[j] = size == 0.0f ? 0.0f : by * (factor * exponent * copysignf(power, error));
        }
        dy.store<Count>(first, v);
        return sum;
    }
    __device__ const SquaredErrorWork& load() const { return *this; }
};

}  // namespace

CompiledOperation compile_operation(const Context& context, const SquaredError& op) {
    const int64_t count = context.count(op.y), row = count / context.shape(op.y)[0];
    const SquaredErrorWork work{context.at(op.y),
                                context.at(op.target),
                                context.at(op.weight),
                                context.at(op.indices),
                                target_of(context, op.dy),
                                FastDivide(row),
                                static_cast<float>(op.factor),
                                static_cast<float>(op.exponent)};
    const ElementRuns runs(count, row, {work.y, work.target, work.weight, work.dy.address()});
    const auto factor = static_cast<float>(op.factor);
    float* loss = context.at(op.loss);
    return {runs.partial_bytes(),
            [=](cudaStream_t stream, void* scratch) { sum_runs(runs, work, stream, scratch, factor, loss); }};
}

}  // namespace adaq::cuda
