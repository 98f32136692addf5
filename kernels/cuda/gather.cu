// y[i] = x[indices[i]], each element perhaps that of another tensor instead (QDrop's mixing of inputs); each is float32
// or bf16.
// Cost: 4 B read and 4 B written an element (2 B in bf16), twice the reads where two are mixed. Memory bound; a thread
// takes runs of 8 elements of one row.
#include "kernels/cuda/arguments.h"
#include "kernels/cuda/compiled_operation.h"
#include "kernels/cuda/elements.h"
#include "kernels/cuda/fast_divide.h"

namespace adaq::cuda {
namespace {

struct GatherWork {
    Source x, other;
    const float *indices, *state;
    Target y;
    FastDivide row;
    Stream stream;
    uint32_t threshold;
    bool mixing;

    struct Loaded {
        const GatherWork& w;
        uint32_t iteration;

        template <int Count>
        __device__ void run(int64_t first) const {
            const int index = static_cast<int>(first), i = w.row.quotient(index), offset = w.row.remainder(index, i);
            const int64_t source = (w.indices ? static_cast<int64_t>(w.indices[i]) : i) * w.row.divisor + offset;
            float v[Count];
            w.x.load<Count>(v, source);
            if (w.mixing) {
                float others[Count];
                w.other.load<Count>(others, source);
                const uint32_t kept = kept_mask<Count>(w.stream, iteration, first, w.threshold);
#pragma unroll
                for (int j = 0; j < Count; ++j) v[j] = kept >> j & 1u ? v[j] : others[j];
            }
            w.y.store<Count>(first, v);
        }
    };
    __device__ Loaded load() const { return {*this, mixing ? static_cast<uint32_t>(state[kIteration]) : 0u}; }
};

}  // namespace

CompiledOperation compile_operation(const Context& context, const Gather& op) {
    const int64_t count = context.count(op.y), row = count / context.shape(op.y)[0];
    GatherWork work{
        source_of(context, op.x), {}, context.at(op.indices), nullptr, target_of(context, op.y), FastDivide(row), {}, 0,
        op.mixing.has_value()};
    if (op.mixing) {
        work.other = source_of(context, op.mixing->other);
        work.state = context.at(op.mixing->state);
        work.stream = op.mixing->stream;
        work.threshold = keep_threshold(op.mixing->keep);
    }
    const ElementRuns runs(count, row, {work.x.address(), work.other.address(), work.y.address()});
    return {0, [=](cudaStream_t stream, void*) { for_each_run(runs, work, stream); }};
}

}  // namespace adaq::cuda
