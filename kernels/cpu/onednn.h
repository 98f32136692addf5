// What differs between oneDNN 2.6 (operation descriptors) and 3.x (none), in one place.
#pragma once

#include <oneapi/dnnl/dnnl.hpp>

namespace adaq::cpu {

struct ConvolutionShape {
    dnnl::memory::dim n, h, w, c;  // x[n,h,w,c]
    dnnl::memory::dim k, r, s;     // w[k,r,s,c]
    dnnl::memory::dim p, q;        // y[n,p,q,k]
    dnnl::memory::dim stride, padding;
};

inline dnnl::engine& engine() {
    static dnnl::engine instance(dnnl::engine::kind::cpu, 0);
    return instance;
}

/// NHWC in and out, weights in the primitive's own layout; with a bias [k] where asked for.
inline dnnl::convolution_forward::primitive_desc convolution_forward_desc(const ConvolutionShape& d, bool bias,
                                                                          const dnnl::primitive_attr& attributes) {
    using dnnl::memory;
    using Tag = memory::format_tag;
    constexpr auto f32 = memory::data_type::f32;
    const memory::desc x({d.n, d.c, d.h, d.w}, f32, Tag::nhwc), w({d.k, d.c, d.r, d.s}, f32, Tag::any);
    const memory::desc b = bias ? memory::desc({d.k}, f32, Tag::a) : memory::desc();
    const memory::desc y({d.n, d.k, d.p, d.q}, f32, Tag::nhwc);
    const memory::dims stride{d.stride, d.stride}, padding{d.padding, d.padding};
#if DNNL_VERSION_MAJOR >= 3
    return {engine(),
            dnnl::prop_kind::forward_inference,
            dnnl::algorithm::convolution_direct,
            x,
            w,
            b,
            y,
            stride,
            padding,
            padding,
            attributes};
#else
    const dnnl::convolution_forward::desc description(
        dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_direct, x, w, b, y, stride, padding, padding);
    return {description, attributes, engine()};
#endif
}

}  // namespace adaq::cpu
