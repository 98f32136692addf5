// y = quantise(activation(a_scale * a + b_scale * b)).
// Cost: 8 B read and 4 B written an element (2 B in bf16; 4 more with the value saved), 3 flops and the quantiser's 8
// (10 more for an eighth of a Philox block where elements are dropped). Memory bound; a thread takes runs of 8
// elements.
#include "kernels/cuda/arguments.h"
#include "kernels/cuda/elements.h"

namespace adaq::cuda {
namespace {

struct AddWork {
    const float *a, *b;
    Target y;
    float* saved;
    float a_scale, b_scale;
    Clamp clamp;
    QuantiserArguments quantiser;

    struct Loaded {
        const AddWork& w;
        LoadedQuantiser quantiser;

        template <int Count>
        __device__ void run(int64_t first) const {
            float v[Count], other[Count];
            load_run<Count>(v, w.a + first);
            load_run<Count>(other, w.b + first);
#pragma unroll
            for (int i = 0; i < Count; ++i) {
                const float sum = w.a_scale * v[i] + w.b_scale * other[i];
                v[i] = w.clamp.active ? w.clamp.of(sum) : sum;
            }
            if (w.saved) store_run<Count>(w.saved + first, v);
            quantiser.apply<Count>(v, first);
            w.y.store<Count>(first, v);
        }
    };
    __device__ Loaded load() const { return {*this, LoadedQuantiser(quantiser)}; }
};

}  // namespace

CompiledOperation compile_operation(const Context& context, const Addition& op) {
    const AddWork work{
        context.at(op.a), context.at(op.b), target_of(context, op.y), context.at(op.saved),
        op.a_scale,       op.b_scale,       clamp_of(op.activation),  arguments_of(context, op.quantiser)};
    const int64_t count = context.count(op.y);
    const ElementRuns runs(count, kRun, {work.a, work.b, work.y.address(), work.saved});
    return {0, [=](cudaStream_t stream, void*) { for_each_run(runs, work, stream); }};
}

}  // namespace adaq::cuda
