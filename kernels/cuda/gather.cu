// y[i] = x[indices[i]], each element perhaps that of another tensor instead (QDrop's mixing of inputs); caches are
// float32 or bf16.
// Cost: 4 B (bf16: 2 B) read and 4 B written an element, twice the reads where two are mixed. Memory bound; a thread
// takes runs of 8 elements of one row.
#include "engine/bf16.h"

#include "kernels/cuda/elements.h"
#include "kernels/cuda/fast_divide.h"
#include "kernels/cuda/step.h"

namespace adaq::cuda {
namespace {

/// A tensor that is gathered from.
struct Cache {
    const float* values = nullptr;
    const bf16* halves = nullptr;  // in place of values

    template <int Count>
    __device__ void load(float (&v)[Count], int64_t first) const {
        if (!halves) return load_run<Count>(v, values + first);
        if constexpr (Count == 8) {
            const uint4 packed = *reinterpret_cast<const uint4*>(halves + first);
            const uint32_t words[4] = {packed.x, packed.y, packed.z, packed.w};
#pragma unroll
            for (int i = 0; i < 4; ++i) {
                v[2 * i] = __uint_as_float(words[i] << 16);
                v[2 * i + 1] = __uint_as_float(words[i] & 0xFFFF0000u);
            }
        } else {
#pragma unroll
            for (int i = 0; i < Count; ++i) v[i] = to_float(halves[first + i]);
        }
    }
    const void* address() const { return halves ? static_cast<const void*>(halves) : values; }
};

struct GatherWork {
    Cache x, other;
    const float *indices, *state;
    float* y;
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
            store_run<Count>(w.y + first, v);
        }
    };
    __device__ Loaded load() const { return {*this, mixing ? static_cast<uint32_t>(state[kIteration]) : 0u}; }
};

Cache cache_of(const Context& context, TensorId id) {
    if (context.is_bf16(id)) return {nullptr, reinterpret_cast<const bf16*>(context.at(id))};
    return {context.at(id), nullptr};
}

}  // namespace

Step make_step(const Context& context, const Gather& op) {
    const int64_t count = context.count(op.y), row = count / context.shape(op.y)[0];
    GatherWork work{
        cache_of(context, op.x), {}, context.at(op.indices), nullptr, context.at(op.y), FastDivide(row), {}, 0,
        op.mixing.has_value()};
    if (op.mixing) {
        work.other = cache_of(context, op.mixing->other);
        work.state = context.at(op.mixing->state);
        work.stream = op.mixing->stream;
        work.threshold = keep_threshold(op.mixing->keep);
    }
    const ElementRuns runs(count, row, {work.x.address(), work.other.address(), work.y});
    return {0, [=](cudaStream_t stream, void*) { for_each_run(runs, work, stream); }};
}

}  // namespace adaq::cuda
