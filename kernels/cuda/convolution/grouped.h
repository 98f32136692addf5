// Convolutions in groups, depthwise ones among them, without a matrix product: a thread a run of outputs, which it adds
// up by fused multiply-adds in the order r, s, c, from 0.
// Cost of a depthwise convolution: 4 B (2 B of bf16) read and written an element, where rows of a map stay in the cache
// for the taps of the next ones; 2 flops a tap. Memory bound; a thread takes runs of 8 channels. Groups of several
// channels: an operand's elements for each product, from the caches; their rows are short, and neighbouring threads
// read the same pixels.
#pragma once

#include <type_traits>

#include "kernels/cuda/arguments.h"
#include "kernels/cuda/convolution/finish.h"
#include "kernels/cuda/convolution/sizes.h"
#include "kernels/cuda/position.h"

namespace adaq::cuda {

/// A weight as it is multiplied: a float, or a code less its zero point.
struct PlainWeights {
    const float* w;
    bool rounds;  // to bf16

    __device__ float at(int64_t index, int) const { return rounds ? to_float(to_bf16(w[index])) : w[index]; }
};
struct CentredWeights {
    const int8_t* w;
    const int32_t* zero;  // [K], or null

    __device__ float at(int64_t index, int k) const { return static_cast<float>(w[index] - (zero ? zero[k] : 0)); }
};

/// What is read of a map: runs of channels, or single ones; rounded to bf16 where products are.
struct MapSource {
    Source map;
    bool rounds;

    template <int Count>
    __device__ void load(float (&v)[Count], int64_t first) const {
        map.load<Count>(v, first);
        if (!rounds) return;
#pragma unroll
        for (int i = 0; i < Count; ++i) v[i] = to_float(to_bf16(v[i]));
    }
    __device__ float at(int64_t index) const {
        const float v = map.at(index);
        return rounds ? to_float(to_bf16(v)) : v;
    }
};

/// y [N,P,Q,K]
template <typename Weights, typename Finish, bool kDepthwise>
struct GroupedForwardWork {
    ConvolutionSizes z;
    MapSource x;
    Weights w;
    Finish finish;
    FastDivide by_k, by_q, by_p, by_group_k;

    struct Loaded {
        const GroupedForwardWork& g;
        decltype(std::declval<const Finish&>().load()) finish;

        template <int Count>
        __device__ void run(int64_t first) const {
            if constexpr (!kDepthwise && Count > 1) {  // has no runs
#pragma unroll 1
                for (int i = 0; i < Count; ++i) run<1>(first + i);
            } else {
                run_channels<Count>(first);
            }
        }
        template <int Count>
        __device__ void run_channels(int64_t first) const {
            const Position at(first, g.by_k, g.by_q, g.by_p);
            float sum[Count] = {};
            for (int r = 0; r < g.z.r; ++r) {
                const int h = at.row * g.z.slide.stride_h - g.z.slide.top + r * g.z.slide.dilation_h;
                if (!inside(static_cast<unsigned>(h), g.z.h)) continue;
                for (int s = 0; s < g.z.s; ++s) {
                    const int column = at.column * g.z.slide.stride_w - g.z.slide.left + s * g.z.slide.dilation_w;
                    if (!inside(static_cast<unsigned>(column), g.z.w)) continue;
                    const int64_t pixel = ((int64_t{at.n} * g.z.h + h) * g.z.w + column) * g.z.c;
                    if constexpr (kDepthwise)
                        g.template add_channels<Count>(sum, pixel, at.channel, r * g.z.s + s);
                    else
                        g.template add_groups<Count>(sum, pixel, at.channel, r * g.z.s + s);
                }
            }
            finish.template run<Count>(sum, first, at.channel);
        }
    };
    __device__ Loaded load() const { return {*this, finish.load()}; }

    template <int Count>
    __device__ void add_channels(float (&sum)[Count], int64_t pixel, int channel, int tap) const {
        float v[Count];
        x.template load<Count>(v, pixel + channel);
        const int taps = z.r * z.s;
#pragma unroll
        for (int i = 0; i < Count; ++i)
            sum[i] = fmaf(v[i], w.at(int64_t{channel + i} * taps + tap, channel + i), sum[i]);
    }
    template <int Count>
    __device__ void add_groups(float (&sum)[Count], int64_t pixel, int channel, int tap) const {
        const int of_group = z.group_c(), taps = z.r * z.s;
        for (int i = 0; i < Count; ++i) {
            const int k = channel + i;
            const int64_t from = pixel + int64_t{by_group_k.quotient(k)} * of_group,
                          weights = (int64_t{k} * taps + tap) * of_group;
            for (int c = 0; c < of_group; ++c) sum[i] = fmaf(x.at(from + c), w.at(weights + c, k), sum[i]);
        }
    }
};

template <bool kDepthwise, typename Weights, typename Finish>
CompiledOperation grouped_forward(const ConvolutionSizes& z, const MapSource& x, const Weights& w,
                                  const Finish& finish) {
    const GroupedForwardWork<Weights, Finish, kDepthwise> work{
        z, x, w, finish, FastDivide(z.k), FastDivide(z.q), FastDivide(z.p), FastDivide(z.k / z.slide.groups)};
    const bool in_runs = kDepthwise && finish.aligned() && aligned_runs<8>(x.map.address());
    const ElementRuns runs(z.outputs(), in_runs ? z.k : 1, {});
    return {0, [=](cudaStream_t stream, void*) { for_each_run(runs, work, stream); }};
}

/// Whether each channel is filtered by itself.
inline bool is_depthwise(const ConvolutionSizes& z) { return z.group_c() == 1 && z.k == z.c; }

template <typename Weights, typename Finish>
CompiledOperation compile_grouped_forward(const ConvolutionSizes& z, const MapSource& x, const Weights& w,
                                          const Finish& finish) {
    return is_depthwise(z) ? grouped_forward<true>(z, x, w, finish) : grouped_forward<false>(z, x, w, finish);
}

CompiledOperation compile_grouped_to_data(const ConvolutionSizes& sizes, const MapSource& dy, const PlainWeights& w,
                                          const ToDataFinish& finish);
CompiledOperation compile_grouped_to_weights(const ConvolutionSizes& sizes, const MapSource& x, const MapSource& dy,
                                             float* dw);

}  // namespace adaq::cuda
