// Cost of rounding: 4 B read and 2 B written an element. Memory bound; a thread takes runs of 8 elements.
#include "kernels/cuda/convolution/halves.h"

#include "kernels/cuda/elements.h"

namespace adaq::cuda {
namespace {

struct RoundWork {
    const float* x;
    Target y;

    __device__ const RoundWork& load() const { return *this; }
    template <int Count>
    __device__ void run(int64_t first) const {
        float v[Count];
        load_run<Count>(v, x + first);
        y.store<Count>(first, v);
    }
};

}  // namespace

void round_to_halves(const float* x, int64_t count, bf16* y, cudaStream_t stream) {
    for_each_run(ElementRuns(count, kRun, {x, y}), RoundWork{x, {nullptr, y}}, stream);
}

Operand to_halves(const Operand& operand, void* scratch, cudaStream_t stream) {
    if (operand.half) return operand;
    auto* const rounded = static_cast<bf16*>(scratch);
    round_to_halves(static_cast<const float*>(operand.values), operand.count, rounded, stream);
    return {rounded, operand.count, true};
}

}  // namespace adaq::cuda
