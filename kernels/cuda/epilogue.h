// What happens to a sum before it is written, and to a gradient on its way back through activation and quantiser: the
// device side of engine/program/operations.h's Epilogue and ActivationGradient. Kernels take the ...Arguments structs
// (pointers into device memory, null where a term is left out), make the loaded form once a thread, and apply it to
// runs of elements.
#pragma once

#include "engine/random.h"
#include "kernels/cuda/stored.h"

namespace adaq::cuda {

struct DroppingArguments {
    const float* state = nullptr;  // the iteration state; null: nothing is dropped
    Stream stream;
    uint32_t threshold = 0;
};

struct QuantiserArguments {
    const float* scale = nullptr;  // [1]; null: no quantiser
    float zero_point = 0.0f, qmin = 0.0f, qmax = 0.0f;
    bool codes = false;
    DroppingArguments dropping;
};

/// An activation. NaN passes, as it does on every other device.
struct Clamp {
    float lowest = 0.0f, highest = 0.0f;
    bool active = false, limited = false;  // limited: there is an upper limit

    __device__ float of(float v) const {
        v = v < lowest ? lowest : v;
        return limited && v > highest ? highest : v;
    }
    /// Whether the gradient passes at v.
    __device__ bool passes(float v) const { return v > lowest && (!limited || v < highest); }
};

struct EpilogueArguments {
    const float* scale = nullptr;     // [channels]
    const float* shift = nullptr;     // [channels]
    const float* residual = nullptr;  // as y
    float residual_scale = 1.0f;
    Clamp clamp;
    QuantiserArguments quantiser;
    float* saved = nullptr;  // as y: receives v
};

struct ActivationGradientArguments {
    const float* value = nullptr;  // as g: v as saved, or y where there was no quantiser; null: nothing to pass through
    Clamp clamp;
    QuantiserArguments quantiser;
    float* scale_gradient = nullptr;  // [1], overwritten
    float scale_gradient_factor = 1.0f;
};

/// Which elements of a run keep their quantised value: bit i for element i.
template <int Count>
__device__ inline uint32_t kept_mask(const Stream& stream, uint32_t iteration, int64_t first, uint32_t threshold) {
    const auto index = static_cast<uint64_t>(first);
    const Random128 block = random_block(stream, iteration, index / kElementsOfBlock);
    const auto offset = static_cast<int>(index % kElementsOfBlock);
    // Of the block's words, the one that holds element `offset` comes to the front: no indexing by a variable.
    uint32_t word[4] = {block.word[0], block.word[1], block.word[2], block.word[3]};
    if constexpr (Count < 8) {
        if (offset & 4) word[0] = word[2], word[1] = word[3];
    }
    if constexpr (Count < 4) {
        if (offset & 2) word[0] = word[1];
    }
    if constexpr (Count < 2) {
        if (offset & 1) word[0] >>= 16;
    }
    uint32_t mask = 0;
#pragma unroll
    for (int i = 0; i < Count; ++i) {
        const uint32_t bits = word[i / 2] >> (i % 2 * 16) & 0xFFFFu;
        mask |= (bits < threshold ? 1u : 0u) << i;
    }
    return mask;
}

/// A quantiser whose scale and iteration have been read.
struct LoadedQuantiser {
    bool active = false, codes = false, drops = false;
    float scale = 1.0f, zero_point = 0.0f, qmin = 0.0f, qmax = 0.0f;
    Stream stream;
    uint32_t threshold = 0, iteration = 0;

    __device__ explicit LoadedQuantiser(const QuantiserArguments& q)
        : active(q.scale != nullptr),
          codes(q.codes),
          drops(q.dropping.state != nullptr),
          scale(active ? *q.scale : 1.0f),
          zero_point(q.zero_point),
          qmin(q.qmin),
          qmax(q.qmax),
          stream(q.dropping.stream),
          threshold(q.dropping.threshold),
          iteration(drops ? static_cast<uint32_t>(q.dropping.state[0]) : 0) {}

    /// Quantises a run in place; `first` is the index of its first element.
    template <int Count>
    __device__ void apply(float (&v)[Count], int64_t first) const {
        if (!active) return;
        const uint32_t kept = drops ? kept_mask<Count>(stream, iteration, first, threshold) : ~0u;
#pragma unroll
        for (int i = 0; i < Count; ++i) {
            const float centred = quantise_centred(v[i], scale, zero_point, qmin, qmax);
            if (kept >> i & 1u) v[i] = codes ? centred : centred * scale;
        }
    }

    /// LSQ's way back (docs/arithmetic.md section 6) of a run of gradients, in place, at values v. Returns what the run
    /// adds to the scale's gradient.
    template <int Count>
    __device__ float pass_back(float (&g)[Count], const float (&v)[Count], int64_t first) const {
        if (!active) return 0.0f;
        const uint32_t kept = drops ? kept_mask<Count>(stream, iteration, first, threshold) : ~0u;
        float scale_gradient = 0.0f;
#pragma unroll
        for (int i = 0; i < Count; ++i) {
            if (!(kept >> i & 1u)) continue;
            const float ratio = v[i] / scale, rounded = rintf(ratio), q = rounded + zero_point;
            const bool below = q<qmin, above = q> qmax;
            const float by_scale = below ? qmin - zero_point : above ? qmax - zero_point : rounded - ratio;
            scale_gradient += g[i] * by_scale;
            if (below || above) g[i] = 0.0f;
        }
        return scale_gradient;
    }
};

/// An epilogue made ready: v = activation(scale[k] * sum + shift[k] + residual_scale * residual), y = quantise(v).
class LoadedEpilogue {
  public:
    __device__ explicit LoadedEpilogue(const EpilogueArguments& arguments)
        : arguments_(arguments), quantiser_(arguments.quantiser) {}

    /// From a run of sums to the run of y, in place. `first` is the index of the run's first element in y, `channel`
    /// its channel; a run does not cross a row's end. Reads the residual and writes v, never y itself.
    template <int Count>
    __device__ void apply(float (&v)[Count], int64_t first, int channel) const {
        combine_run<Count>(v, arguments_.scale, channel, [](float sum, float factor) { return sum * factor; });
        add_run<Count>(v, arguments_.shift, channel);
        combine_run<Count>(v, arguments_.residual, first,
                           [this](float sum, float residual) { return sum + arguments_.residual_scale * residual; });
        if (arguments_.clamp.active) {
#pragma unroll
            for (int i = 0; i < Count; ++i) v[i] = arguments_.clamp.of(v[i]);
        }
        if (arguments_.saved) store_run<Count>(arguments_.saved + first, v);
        quantiser_.apply<Count>(v, first);
    }

  private:
    const EpilogueArguments& arguments_;
    LoadedQuantiser quantiser_;
};

/// The way back made ready.
class LoadedActivationGradient {
  public:
    __device__ explicit LoadedActivationGradient(const ActivationGradientArguments& arguments)
        : arguments_(arguments), quantiser_(arguments.quantiser) {}

    /// A run of gradients in place; `first` is the index of its first element. Returns what the run adds to the sum
    /// that is the scale's gradient, before scale_gradient_factor.
    template <int Count>
    __device__ float apply(float (&g)[Count], int64_t first) const {
        if (!arguments_.value) return 0.0f;
        float v[Count];
        load_run<Count>(v, arguments_.value + first);
        const float scale_gradient = quantiser_.pass_back<Count>(g, v, first);
        if (arguments_.clamp.active) {
#pragma unroll
            for (int i = 0; i < Count; ++i) g[i] = arguments_.clamp.passes(v[i]) ? g[i] : 0.0f;
        }
        return scale_gradient;
    }

  private:
    const ActivationGradientArguments& arguments_;
    LoadedQuantiser quantiser_;
};

}  // namespace adaq::cuda
