// y = quantise(x), one scale for the tensor.
// Cost: 4 B read and 4 B written an element (2 B in bf16), 8 flops with one division (10 more where elements are
// dropped). Memory bound; a thread takes runs of 8 elements.
#include "kernels/cuda/arguments.h"
#include "kernels/cuda/elements.h"

namespace adaq::cuda {
namespace {

struct FakeQuantiseWork {
    const float* x;
    Target y;
    QuantiserArguments quantiser;

    struct Loaded {
        const FakeQuantiseWork& w;
        LoadedQuantiser quantiser;

        template <int Count>
        __device__ void run(int64_t first) const {
            float v[Count];
            load_run<Count>(v, w.x + first);
            quantiser.apply<Count>(v, first);
            w.y.store<Count>(first, v);
        }
    };
    __device__ Loaded load() const { return {*this, LoadedQuantiser(quantiser)}; }
};

}  // namespace

CompiledOperation compile_operation(const Context& context, const FakeQuantise& op) {
    const FakeQuantiseWork work{context.at(op.x), target_of(context, op.y), arguments_of(context, op.quantiser)};
    const int64_t count = context.count(op.y);
    const ElementRuns runs(count, kRun, {work.x, work.y.address()});
    return {0, [=](cudaStream_t stream, void*) { for_each_run(runs, work, stream); }};
}

}  // namespace adaq::cuda
