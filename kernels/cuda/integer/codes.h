// Terms and outputs of integer execution, which are codes or values: the device side of IntegerEpilogue
// (engine/program/operations/integer.h), in the order of operations of engine/code_quantiser.h.
#pragma once

#include "engine/code_quantiser.h"
#include "kernels/cuda/compiled_operation.h"
#include "kernels/cuda/runs.h"

namespace adaq::cuda {

/// scale * (code - zero), or values as they are. One of the pointers is set, or none where there is no such term.
struct Term {
    const float* values = nullptr;
    const uint8_t* codes = nullptr;
    float scale = 1.0f;
    int zero = 0;

    template <int Count>
    __device__ void load(float (&v)[Count], int64_t first) const {
        if (!codes) return load_run<Count>(v, values + first);
        load_run<Count>(v, codes + first);
#pragma unroll
        for (int i = 0; i < Count; ++i) v[i] = scale * (v[i] - static_cast<float>(zero));
    }
    __host__ __device__ const void* address() const { return codes ? static_cast<const void*>(codes) : values; }
};

/// y = activation(v), quantised: its codes, or what they stand for.
struct CodesTarget {
    float* values = nullptr;
    uint8_t* codes = nullptr;
    float lowest = 0.0f, highest = 0.0f;  // the activation's
    bool quantises = false;
    CodeQuantiser quantiser;

    template <int Count>
    __device__ void store(int64_t first, float (&v)[Count]) const {
#pragma unroll
        for (int i = 0; i < Count; ++i) {
            v[i] = v[i] < lowest ? lowest : v[i];  // NaN passes
            v[i] = v[i] > highest ? highest : v[i];
        }
        if (!quantises) return store_run<Count>(values + first, v);
        uint8_t code[Count];
#pragma unroll
        for (int i = 0; i < Count; ++i) code[i] = quantiser(v[i]);
        if (codes) return store_run<Count>(codes + first, code);
#pragma unroll
        for (int i = 0; i < Count; ++i) v[i] = static_cast<float>(code[i] - quantiser.zero()) * quantiser.scale;
        store_run<Count>(values + first, v);
    }
    const void* address() const { return codes ? static_cast<const void*>(codes) : values; }
};

/// v = activation((scale[k] * sum + shift[k] + summand) * factor + residual), then the quantiser.
struct CodesEpilogue {
    const float* scale = nullptr;  // [channels]
    const float* shift = nullptr;
    Term residual;
    float summand = -0.0f, factor = 1.0f;
    CodesTarget y;

    /// From a run of sums to the run of y. `first` is the index of the run's first element in y, `channel` its channel;
    /// a run does not cross a row's end.
    template <int Count>
    __device__ void finish(float (&v)[Count], int64_t first, int channel) const {
        combine_run<Count>(v, scale, channel, [](float sum, float by) { return sum * by; });
        add_run<Count>(v, shift, channel);
        if (residual.address()) {
            float term[Count];
            residual.load<Count>(term, first);
#pragma unroll
            for (int i = 0; i < Count; ++i) v[i] = (v[i] + summand) * factor + term[i];
        }
        y.store<Count>(first, v);
    }
    bool aligned() const {
        return aligned_runs<8>(scale) && aligned_runs<8>(shift) && aligned_runs<8>(residual.address()) &&
               aligned_runs<8>(y.address());
    }
};

inline Term term_of(const Context& context, TensorId id, float scale, int zero) {
    if (id == kNone) return {};
    if (context.type(id) == DType::u8) return {nullptr, context.elements<uint8_t>(id), scale, zero};
    return {context.at(id), nullptr};
}

inline CodesTarget codes_target_of(const Context& context, TensorId y, const Activation& activation,
                                   const std::optional<CodeQuantiser>& quantiser) {
    CodesTarget target;
    if (context.type(y) == DType::u8)
        target.codes = context.elements<uint8_t>(y);
    else
        target.values = context.at(y);
    target.lowest = activation.lowest();
    target.highest = activation.highest();
    target.quantises = quantiser.has_value();
    if (quantiser) target.quantiser = *quantiser;
    return target;
}

inline CodesEpilogue codes_epilogue_of(const Context& context, TensorId y, const IntegerEpilogue& e) {
    return {context.at(e.scale),
            context.at(e.shift),
            term_of(context, e.residual, e.residual_scale, e.residual_zero),
            e.summand,
            e.factor,
            codes_target_of(context, y, e.activation, e.quantiser)};
}

}  // namespace adaq::cuda
