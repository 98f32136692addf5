// What differs between oneDNN 2.6 (operation descriptors) and 3.x (none), in one place, and what all its users need.
#pragma once

#include <cstdint>
#include <functional>
#include <oneapi/dnnl/dnnl.hpp>
#include <string_view>

#include "engine/activation.h"
#include "engine/program/operations/window.h"
#include "engine/tensor.h"

namespace adaq::cpu {

/// Floats that memory of a description takes, a multiple of 64 bytes.
inline int64_t floats_of(const dnnl::memory::desc& desc) {
    return (static_cast<int64_t>(desc.get_size()) + 63) / 64 * 16;
}

inline dnnl::engine& engine() {
    static dnnl::engine instance(dnnl::engine::kind::cpu, 0);
    return instance;
}

struct ConvolutionShape {
    dnnl::memory::dim n, h, w, c;  // x[n,h,w,c]
    dnnl::memory::dim k, r, s;     // w[k,r,s,c]
    dnnl::memory::dim p, q;        // y[n,p,q,k]
    ConvolutionWindow window;

    ConvolutionShape(const Shape& x, const Shape& weight, const Shape& y, int64_t images, const ConvolutionWindow& of)
        : n(images),
          h(x[1]),
          w(x[2]),
          c(x[3]),
          k(weight[0]),
          r(weight[1]),
          s(weight[2]),
          p(y[1]),
          q(y[2]),
          window(of) {}

    /// oneDNN's numbers: a dilation of 0 is none; of groups, where there are several, weights have an extent.
    dnnl::memory::dims strides() const { return {window.stride_h, window.stride_w}; }
    dnnl::memory::dims dilations() const { return {window.dilation_h - 1, window.dilation_w - 1}; }
    dnnl::memory::dims padding_before() const { return {window.top, window.left}; }
    dnnl::memory::dims padding_behind() const { return {window.bottom, window.right}; }
    int64_t group_c() const { return c / window.groups; }
    bool grouped() const { return window.groups > 1; }
    dnnl::memory::desc weights(dnnl::memory::data_type type, bool plain = false) const {
        using Tag = dnnl::memory::format_tag;
        if (grouped())
            return {{window.groups, k / window.groups, group_c(), r, s}, type, plain ? Tag::abdec : Tag::any};
        return {{k, c, r, s}, type, plain ? Tag::acdb : Tag::any};
    }
};

/// The weights of a program, KRSC, as oneDNN's memory; where they lie is yet to be said.
inline dnnl::memory plain_weights(const ConvolutionShape& d) {
    return {d.weights(dnnl::memory::data_type::f32, true), engine(), nullptr};
}

inline void append_clamp(dnnl::post_ops& operations, const Activation& activation) {
    using dnnl::algorithm;
    const bool relu = activation.is_relu();
    const algorithm kind = relu ? algorithm::eltwise_relu : algorithm::eltwise_clip;
    const float lowest = relu ? 0.0f : activation.lowest(), highest = relu ? 0.0f : activation.highest();
#if DNNL_VERSION_MAJOR >= 3
    operations.append_eltwise(kind, lowest, highest);
#else
    operations.append_eltwise(1.0f, kind, lowest, highest);
#endif
}

/// Whether oneDNN takes an instruction set. Each holds those before it as bits; bf16 and AMX are bits of their own.
inline bool onednn_has(dnnl::cpu_isa isa) {
    const auto wanted = static_cast<unsigned>(isa);
    return (static_cast<unsigned>(dnnl::get_effective_cpu_isa()) & wanted) == wanted;
}

/// Whether an implementation is wanted, by its name ("brgconv:avx512_core", "jit:avx512_core", ...).
using WantedImplementation = std::function<bool(std::string_view name)>;

/// The first implementation that is wanted, or else oneDNN's first choice. `make` makes a description anew: in 3.x its
/// copies all move on together.
template <typename Make>
dnnl::convolution_forward::primitive_desc choose(const Make& make, const WantedImplementation& wanted) {
    dnnl::convolution_forward::primitive_desc desc = make();
    do {
        if (wanted(desc.impl_info_str())) return desc;
    } while (desc.next_impl());
    return make();
}

/// NHWC in and out, weights in the primitive's own layout; with a bias [k] where asked for. Operands of type `operand`,
/// the output of type `output`.
inline dnnl::convolution_forward::primitive_desc convolution_forward_desc(const ConvolutionShape& d,
                                                                          dnnl::memory::data_type operand,
                                                                          dnnl::memory::data_type output, bool bias,
                                                                          const dnnl::primitive_attr& attributes,
                                                                          const WantedImplementation& wanted) {
    using dnnl::algorithm;
    using dnnl::memory;
    using Tag = memory::format_tag;
    constexpr auto f32 = memory::data_type::f32;
    constexpr auto inference = dnnl::prop_kind::forward_inference;
    const memory::desc x({d.n, d.c, d.h, d.w}, operand, Tag::nhwc), w = d.weights(operand);
    const memory::desc b = bias ? memory::desc({d.k}, f32, Tag::a) : memory::desc();
    const memory::desc y({d.n, d.k, d.p, d.q}, output, Tag::nhwc);
    const memory::dims stride = d.strides(), dilation = d.dilations(), before = d.padding_before(),
                       behind = d.padding_behind();
    using Description = dnnl::convolution_forward::primitive_desc;
#if DNNL_VERSION_MAJOR >= 3
    const auto make = [&] {
        return Description(engine(), inference, algorithm::convolution_direct, x, w, b, y, stride, dilation, before,
                           behind, attributes);
    };
#else
    // Must outlive the choice: 2.6 looks at it again whenever it goes on to the next implementation.
    const dnnl::convolution_forward::desc operation(inference, algorithm::convolution_direct, x, w, b, y, stride,
                                                    dilation, before, behind);
    const auto make = [&] { return Description(operation, attributes, engine()); };
#endif
    return choose(make, wanted);
}

/// What the descriptions of a convolution's gradients share: activations NHWC, weights in any layout, a scratchpad of
/// the caller's. Operands are of one type, results (dx, dw) float32.
struct GradientLayouts {
    dnnl::memory::desc x, w, y, dx, dw;
    dnnl::memory::dims stride, dilation, before, behind;
    dnnl::primitive_attr attributes;

    GradientLayouts(const ConvolutionShape& d, dnnl::memory::data_type operand)
        : x({d.n, d.c, d.h, d.w}, operand, dnnl::memory::format_tag::nhwc),
          w(d.weights(operand)),
          y({d.n, d.k, d.p, d.q}, operand, dnnl::memory::format_tag::nhwc),
          dx({d.n, d.c, d.h, d.w}, dnnl::memory::data_type::f32, dnnl::memory::format_tag::nhwc),
          dw(d.weights(dnnl::memory::data_type::f32)),
          stride(d.strides()),
          dilation(d.dilations()),
          before(d.padding_before()),
          behind(d.padding_behind()) {
        attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    }
};

/// oneDNN wants to know of the forward pass that a gradient belongs to.
inline dnnl::convolution_forward::primitive_desc forward_hint(const GradientLayouts& l) {
    constexpr auto training = dnnl::prop_kind::forward_training;
    constexpr auto direct = dnnl::algorithm::convolution_direct;
#if DNNL_VERSION_MAJOR >= 3
    return {engine(), training, direct, l.x, l.w, l.y, l.stride, l.dilation, l.before, l.behind};
#else
    return {{training, direct, l.x, l.w, l.y, l.stride, l.dilation, l.before, l.behind}, engine()};
#endif
}

/// A gradient's description: x and w, of which the gradient takes the place of one.
template <typename Description>
Description gradient_desc(const GradientLayouts& l, const dnnl::memory::desc& x, const dnnl::memory::desc& w) {
    constexpr auto direct = dnnl::algorithm::convolution_direct;
#if DNNL_VERSION_MAJOR >= 3
    return {engine(), direct, x, w, l.y, l.stride, l.dilation, l.before, l.behind, forward_hint(l), l.attributes};
#else
    return {{direct, x, w, l.y, l.stride, l.dilation, l.before, l.behind}, l.attributes, engine(), forward_hint(l)};
#endif
}

inline dnnl::convolution_backward_data::primitive_desc convolution_to_data_desc(const ConvolutionShape& d,
                                                                                dnnl::memory::data_type operand) {
    const GradientLayouts l(d, operand);
    return gradient_desc<dnnl::convolution_backward_data::primitive_desc>(l, l.dx, l.w);
}

inline dnnl::convolution_backward_weights::primitive_desc convolution_to_weights_desc(const ConvolutionShape& d,
                                                                                      dnnl::memory::data_type operand) {
    const GradientLayouts l(d, operand);
    return gradient_desc<dnnl::convolution_backward_weights::primitive_desc>(l, l.x, l.dw);
}

/// m = v * u of several matrices, or m += v * u, with a scratchpad of the caller's.
inline dnnl::matmul::primitive_desc matrix_product_desc(const dnnl::memory::desc& v, const dnnl::memory::desc& u,
                                                        const dnnl::memory::desc& m, bool added = false) {
    dnnl::primitive_attr attributes;
    dnnl::post_ops operations;
    if (added) operations.append_sum();
    attributes.set_post_ops(operations);
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
#if DNNL_VERSION_MAJOR >= 3
    return {engine(), v, u, m, attributes};
#else
    return {dnnl::matmul::desc(v, u, m), attributes, engine()};
#endif
}

}  // namespace adaq::cpu
