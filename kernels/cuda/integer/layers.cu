// Convolutions and fully connected layers of integer execution: which kernels a layer's element types and sums take.
//   codes, narrow sums                tensor cores (products.h), and what zero points add
//   codes, wide sums or groups; i32   one warp a sum, in 64 bits (plain.h)
//   values                            weights as float32 in scratch, then fused multiply-adds in the order of the sum
//   (fma.h); in groups grouped.h
#include "kernels/cuda/convolution/forward.h"
#include "kernels/cuda/convolution/grouped.h"
#include "kernels/cuda/integer/plain.h"
#include "kernels/cuda/integer/products.h"
#include "kernels/cuda/integer/zero_points.h"

namespace adaq::cuda {
namespace {

/// Weights less their zero points, as values. Cost: 1 B read and 4 B written a weight.
struct CentreWork {
    const int8_t* w;
    const int32_t* w_zero;
    int64_t window;
    float* values;

    template <int Count>
    __device__ void run(int64_t first) const {
        float v[Count];
#pragma unroll
        for (int i = 0; i < Count; ++i) {
            const int zero = w_zero ? w_zero[(first + i) / window] : 0;
            v[i] = static_cast<float>(w[first + i] - zero);
        }
        store_run<Count>(values + first, v);
    }
    __device__ const CentreWork& load() const { return *this; }
};

template <typename Op>
struct Layer {
    const Context& context;
    const Op& op;
    ConvolutionSizes sizes;

    const int8_t* weights() const { return context.elements<int8_t>(op.w); }
    const int32_t* weight_zeros() const { return context.elements<int32_t>(op.w_zero); }
    const int32_t* bias() const { return context.elements<int32_t>(op.bias); }
    CodesFinish finish() const { return {codes_epilogue_of(context, op.y, op.epilogue), {}, FastDivide(sizes.k)}; }

    template <typename X>
    CompiledOperation plain() const {
        return compile_plain(
            PlainProduct<X, int8_t>(context.elements<X>(op.x), weights(), sizes, op.x_zero, weight_zeros(), bias()),
            finish());
    }

    CompiledOperation of_values() const {
        const int64_t count = context.count(op.w);
        const CentreWork centre{weights(), weight_zeros(), sizes.window(), nullptr};
        Operands operands({context.at(op.x), context.count(op.x)}, {nullptr, count}, sizes, Math::f32);
        operands.choice.splits = 1;
        const auto product = operands.vectors ? product_of_values<Tiles<Math::f32, 4>::Small, 4>
                                              : product_of_values<Tiles<Math::f32, 1>::Tall, 1>;
        return {shared_bytes<float>(static_cast<size_t>(count)),
                [=, finish = finish()](cudaStream_t stream, void* scratch) {
                    CentreWork work = centre;
                    work.values = static_cast<float*>(scratch);
                    for_each_run(ElementRuns(count, kRun, {work.values}), work, stream);
                    Operands with_weights = operands;
                    with_weights.b.values = scratch;
                    product(with_weights, finish).enqueue(stream, nullptr);
                }};
    }
    template <typename T, int Vector>
    static CompiledOperation product_of_values(const Operands& operands, const CodesFinish& finish) {
        return compile_gemm(forward_problem<ForwardProblem<Math::f32, T, Vector, CodesFinish>>(operands, finish),
                            operands.sizes.pixels_out(), 1, 1);
    }

    CompiledOperation of_codes() const {
        const auto* x = context.elements<uint8_t>(op.x);
        Operands operands({x, context.count(op.x)}, {weights(), context.count(op.w)}, sizes, Math::f32);
        operands.vectors = sizes.c % 16 == 0 && aligned_runs<4>(x) && aligned_runs<4>(weights());
        const int of_stage = operands.vectors ? kCodesOfStage : kGatheredOfStage;
        operands.choice = context.choice ? *context.choice : choose(forward_product(sizes), of_stage, context.card);
        const auto product = context.card.capability < 80 ? compile_codes<true> : compile_codes<false>;
        const int outside = op.x_zero;
        const auto for_weights = op.x_zero == 0 ? size_t{0} : shared_bytes<int32_t>(static_cast<size_t>(sizes.k));
        const auto for_windows =
            op.w_zero == kNone ? size_t{0} : shared_bytes<int32_t>(static_cast<size_t>(sizes.pixels_out()));
        return {for_weights + for_windows + product(operands, outside, finish()).scratch_bytes,
                [=, plain_finish = finish(), w = weights(), w_zero = weight_zeros(), bias = bias(), z = sizes](
                    cudaStream_t stream, void* scratch) {
                    auto* const memory = static_cast<unsigned char*>(scratch);
                    CodesFinish finish = plain_finish;
                    finish.zeros.bias = bias;
                    if (for_weights > 0) {
                        auto* const sums = reinterpret_cast<int32_t*>(memory);
                        sum_weights(w, z, outside, sums, stream);
                        finish.zeros.weight_sums = sums;
                    }
                    if (for_windows > 0) {
                        auto* const sums = reinterpret_cast<int32_t*>(memory + for_weights);
                        sum_windows(x, z, outside, sums, stream);
                        finish.zeros.window_sums = sums;
                        finish.zeros.weight_zeros = w_zero;
                    }
                    product(operands, outside, finish).enqueue(stream, memory + for_weights + for_windows);
                }};
    }

    CompiledOperation compile() const {
        switch (context.type(op.x)) {
            case DType::f32:
                if (sizes.slide.groups > 1)
                    return compile_grouped_forward(sizes, MapSource{{context.at(op.x)}, false},
                                                   CentredWeights{weights(), weight_zeros()}, finish());
                return of_values();
            case DType::i32:
                return plain<int32_t>();
            default:
                return op.sums == IntegerSums::wide || sizes.slide.groups > 1 ? plain<uint8_t>() : of_codes();
        }
    }
};

}  // namespace

CompiledOperation compile_operation(const Context& context, const IntegerConvolution& op) {
    const ConvolutionSizes sizes =
        convolution_sizes(context.shape(op.x), context.shape(op.w), context.shape(op.y), op.window);
    return Layer<IntegerConvolution>{context, op, sizes}.compile();
}

CompiledOperation compile_operation(const Context& context, const IntegerLinear& op) {
    return Layer<IntegerLinear>{context, op, linear_sizes(context.shape(op.x), context.shape(op.w))}.compile();
}

}  // namespace adaq::cuda
