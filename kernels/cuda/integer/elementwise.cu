// Additions and quantisation of integer execution.
// Cost of an addition: 1 B read a term's code and 1 B written an element (4 B each where it is a value), 5 flops and
// the quantiser's 8; of a quantisation: 4 B read and 1 B written. Memory bound; a thread takes runs of 8 elements.
#include "kernels/cuda/elements.h"
#include "kernels/cuda/integer/codes.h"

namespace adaq::cuda {
namespace {

struct AdditionWork {
    Term a, b;
    bool fuses;  // then scales of the terms are here
    float a_scale, b_scale, offset;
    CodesTarget y;

    template <int Count>
    __device__ void run(int64_t first) const {
        float v[Count], other[Count];
        a.load<Count>(v, first);
        b.load<Count>(other, first);
#pragma unroll
        for (int i = 0; i < Count; ++i)
            v[i] = fuses ? fmaf(a_scale, v[i], fmaf(b_scale, other[i], offset)) : v[i] + other[i];
        y.store<Count>(first, v);
    }
    __device__ const AdditionWork& load() const { return *this; }
};

struct QuantiseWork {
    const float* x;
    CodesTarget y;

    template <int Count>
    __device__ void run(int64_t first) const {
        float v[Count];
        load_run<Count>(v, x + first);
        y.store<Count>(first, v);
    }
    __device__ const QuantiseWork& load() const { return *this; }
};

}  // namespace

CompiledOperation compile_operation(const Context& context, const IntegerAddition& op) {
    const bool fuses = op.offset.has_value();
    const AdditionWork work{term_of(context, op.a, fuses ? 1.0f : op.a_scale, op.a_zero),
                            term_of(context, op.b, fuses ? 1.0f : op.b_scale, op.b_zero),
                            fuses,
                            op.a_scale,
                            op.b_scale,
                            op.offset.value_or(0.0f),
                            codes_target_of(context, op.y, op.activation, op.quantiser)};
    const ElementRuns runs(context.count(op.y), kRun, {work.a.address(), work.b.address(), work.y.address()});
    return {0, [=](cudaStream_t stream, void*) { for_each_run(runs, work, stream); }};
}

CompiledOperation compile_operation(const Context& context, const QuantiseToCodes& op) {
    const QuantiseWork work{context.at(op.x), codes_target_of(context, op.y, {}, op.quantiser)};
    const ElementRuns runs(context.count(op.y), kRun, {work.x, work.y.address()});
    return {0, [=](cudaStream_t stream, void*) { for_each_run(runs, work, stream); }};
}

}  // namespace adaq::cuda
