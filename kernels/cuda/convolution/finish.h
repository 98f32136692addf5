// What becomes of a product's sums: what each direction ends with, applied to runs of one row, by the product's own
// kernel or, where the sum over k was split among blocks, by the kernel that adds up the parts.
#pragma once

#include "kernels/cuda/elements.h"
#include "kernels/cuda/epilogue.h"
#include "kernels/cuda/fast_divide.h"

namespace adaq::cuda {

/// Forward: y = epilogue(sum).
struct ForwardFinish {
    static constexpr bool kSums = false;
    Target y;
    EpilogueArguments epilogue;

    struct Loaded {
        const ForwardFinish& f;
        LoadedEpilogue epilogue;

        template <int Count>
        __device__ float run(float (&v)[Count], int64_t first, int channel) const {
            epilogue.apply<Count>(v, first, channel);
            f.y.store<Count>(first, v);
            return 0.0f;
        }
    };
    __device__ Loaded load() const { return {*this, LoadedEpilogue(epilogue)}; }
    float* scale_gradient() const { return nullptr; }
    float scale_gradient_factor() const { return 1.0f; }
    bool aligned() const {
        return aligned_runs<8>(y.address()) && aligned_runs<8>(epilogue.scale) && aligned_runs<8>(epilogue.shift) &&
               aligned_runs<8>(epilogue.residual) && aligned_runs<8>(epilogue.saved);
    }
};

/// To data: dx = activation backward of (sum + addend); the runs return the scale's gradient.
struct ToDataFinish {
    static constexpr bool kSums = true;
    Target dx;
    const float* addend;
    ActivationGradientArguments activation;

    struct Loaded {
        const ToDataFinish& f;
        LoadedActivationGradient activation;

        template <int Count>
        __device__ float run(float (&v)[Count], int64_t first, int) const {
            add_run<Count>(v, f.addend, first);
            const float by_scale = activation.apply<Count>(v, first);
            f.dx.store<Count>(first, v);
            return by_scale;
        }
    };
    __device__ Loaded load() const { return {*this, LoadedActivationGradient(activation)}; }
    float* scale_gradient() const { return activation.scale_gradient; }
    float scale_gradient_factor() const { return activation.scale_gradient_factor; }
    bool aligned() const {
        return aligned_runs<8>(dx.address()) && aligned_runs<8>(addend) && aligned_runs<8>(activation.value);
    }
};

/// To weights: the sum as it is.
struct ToWeightsFinish {
    static constexpr bool kSums = false;
    float* dw;

    template <int Count>
    __device__ float run(float (&v)[Count], int64_t first, int) const {
        store_run<Count>(dw + first, v);
        return 0.0f;
    }
    __device__ const ToWeightsFinish& load() const { return *this; }
    float* scale_gradient() const { return nullptr; }
    float scale_gradient_factor() const { return 1.0f; }
    bool aligned() const { return aligned_runs<8>(dw); }
};

/// Adds up the parts of a split sum [splits][count] in their order, then finishes: an elementwise kernel's work.
/// Cost: 4 B read an element and split.
template <typename Finish, typename Sum>
struct SplitSumWork {
    const Sum* parts;
    int splits;
    int64_t count;
    FastDivide channels;
    Finish finish;

    struct Loaded {
        const SplitSumWork& w;
        decltype(std::declval<const Finish&>().load()) finish;

        template <int Count>
        __device__ float run(int64_t first) const {
            Sum sum[Count];
            load_run<Count>(sum, w.parts + first);
            for (int split = 1; split < w.splits; ++split) {
                Sum part[Count];
                load_run<Count>(part, w.parts + split * w.count + first);
#pragma unroll
                for (int i = 0; i < Count; ++i) sum[i] += part[i];
            }
            const int index = static_cast<int>(first),
                      channel = w.channels.remainder(index, w.channels.quotient(index));
            return finish.template run<Count>(sum, first, channel);
        }
    };
    __device__ Loaded load() const { return {*this, finish.load()}; }
};

}  // namespace adaq::cuda
