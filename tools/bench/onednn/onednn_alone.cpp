// See onednn_alone.h.
#include "tools/bench/onednn/onednn_alone.h"

#include <algorithm>
#include <memory>
#include <oneapi/dnnl/dnnl.hpp>
#include <unordered_map>
#include <vector>

namespace adaq {
namespace {

using dnnl::memory;

constexpr auto kDirect = dnnl::algorithm::convolution_direct;
constexpr auto kTraining = dnnl::prop_kind::forward_training;

/// What a oneDNN description takes; weights_gradient is float32 whatever the operands are.
struct Description {
    memory::desc x, w, weights_gradient, y;
    memory::dims stride, padding;

    Description(const ConvolutionSizes& s, Math math)
        : stride{s.window.stride_h, s.window.stride_w}, padding{s.window.top, s.window.left} {
        const auto operand = math == Math::bf16 ? memory::data_type::bf16 : memory::data_type::f32;
        const auto any = memory::format_tag::any;
        const memory::dims filter{s.w[0], s.w[3], s.w[1], s.w[2]};
        x = memory::desc({s.batch, s.x[2], s.x[0], s.x[1]}, operand, any);
        w = memory::desc(filter, operand, any);
        weights_gradient = memory::desc(filter, memory::data_type::f32, any);
        y = memory::desc({s.batch, s.y[2], s.y[0], s.y[1]}, operand, any);
    }
};

dnnl::convolution_forward::primitive_desc forward(const dnnl::engine& engine, const Description& d) {
#if DNNL_VERSION_MAJOR >= 3
    return {engine, kTraining, kDirect, d.x, d.w, d.y, d.stride, d.padding, d.padding};
#else
    return {{kTraining, kDirect, d.x, d.w, d.y, d.stride, d.padding, d.padding}, engine};
#endif
}

/// x and w: the gradient takes the place of one.
template <typename Gradient>
Gradient gradient(const dnnl::engine& engine, const Description& d, const memory::desc& x, const memory::desc& w) {
    const auto hint = forward(engine, d);
#if DNNL_VERSION_MAJOR >= 3
    return {engine, kDirect, x, w, d.y, d.stride, d.padding, d.padding, hint};
#else
    return {{kDirect, x, w, d.y, d.stride, d.padding, d.padding}, engine, hint};
#endif
}

using Arguments = std::unordered_map<int, memory>;

/// Bytes that are small numbers, as float32 and as bf16: speed must not hang on subnormal or infinite values.
memory filled(const memory::desc& layout, const dnnl::engine& engine) {
    constexpr unsigned char kByte = 0x3C;  // 0x3C3C3C3C is 0.0115, 0x3C3C as bf16 too
    memory result(layout, engine);
    std::fill_n(static_cast<unsigned char*>(result.get_data_handle()), layout.get_size(), kByte);
    return result;
}

template <typename Primitive>
std::function<void()> runner(const dnnl::engine& engine, const Primitive& primitive, const Arguments& arguments) {
    return [stream = std::make_shared<dnnl::stream>(engine), primitive, arguments] {
        primitive.execute(*stream, arguments);
        stream->wait();
    };
}

}  // namespace

std::function<void()> onednn_alone(const ConvolutionSizes& sizes, Direction direction, Math math) try {
    static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
    const Description d(sizes, math);
    if (direction == Direction::forward) {
        const auto desc = forward(engine, d);
        return runner(engine, dnnl::convolution_forward(desc),
                      {{DNNL_ARG_SRC, filled(desc.src_desc(), engine)},
                       {DNNL_ARG_WEIGHTS, filled(desc.weights_desc(), engine)},
                       {DNNL_ARG_DST, filled(desc.dst_desc(), engine)}});
    }
    if (direction == Direction::data) {
        const auto desc = gradient<dnnl::convolution_backward_data::primitive_desc>(engine, d, d.x, d.w);
        return runner(engine, dnnl::convolution_backward_data(desc),
                      {{DNNL_ARG_DIFF_DST, filled(desc.diff_dst_desc(), engine)},
                       {DNNL_ARG_WEIGHTS, filled(desc.weights_desc(), engine)},
                       {DNNL_ARG_DIFF_SRC, filled(desc.diff_src_desc(), engine)}});
    }
    const auto desc = gradient<dnnl::convolution_backward_weights::primitive_desc>(engine, d, d.x, d.weights_gradient);
    return runner(engine, dnnl::convolution_backward_weights(desc),
                  {{DNNL_ARG_SRC, filled(desc.src_desc(), engine)},
                   {DNNL_ARG_DIFF_DST, filled(desc.diff_dst_desc(), engine)},
                   {DNNL_ARG_DIFF_WEIGHTS, filled(desc.diff_weights_desc(), engine)}});
} catch (const dnnl::error&) {
    return {};
}

std::function<void()> onednn_codes_alone(const ConvolutionSizes& s) try {
    static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
    const auto any = memory::format_tag::any;
    const memory::dims stride{s.window.stride_h, s.window.stride_w}, padding{s.window.top, s.window.left};
    const memory::desc x({s.batch, s.x[2], s.x[0], s.x[1]}, memory::data_type::u8, memory::format_tag::nhwc),
        w({s.w[0], s.w[3], s.w[1], s.w[2]}, memory::data_type::s8, any),
        bias({s.w[0]}, memory::data_type::f32, memory::format_tag::x),
        y({s.batch, s.y[2], s.y[0], s.y[1]}, memory::data_type::u8, memory::format_tag::nhwc);
    constexpr int kPerChannel = 2;  // oneDNN's mask
    dnnl::primitive_attr attributes;
    dnnl::post_ops relu;
#if DNNL_VERSION_MAJOR >= 3
    relu.append_eltwise(dnnl::algorithm::eltwise_relu, 0.0f, 0.0f);
    attributes.set_scales_mask(DNNL_ARG_WEIGHTS, kPerChannel / 2);
    attributes.set_post_ops(relu);
    const dnnl::convolution_forward::primitive_desc desc(engine, dnnl::prop_kind::forward_inference, kDirect, x, w,
                                                         bias, y, stride, padding, padding, attributes);
#else
    relu.append_eltwise(1.0f, dnnl::algorithm::eltwise_relu, 0.0f, 0.0f);
    attributes.set_output_scales(kPerChannel, std::vector<float>(static_cast<size_t>(s.w[0]), 1e-2f));
    attributes.set_post_ops(relu);
    const dnnl::convolution_forward::primitive_desc desc(
        {dnnl::prop_kind::forward_inference, kDirect, x, w, bias, y, stride, padding, padding}, attributes, engine);
#endif
    Arguments arguments{{DNNL_ARG_SRC, filled(desc.src_desc(), engine)},
                        {DNNL_ARG_WEIGHTS, filled(desc.weights_desc(), engine)},
                        {DNNL_ARG_BIAS, filled(desc.bias_desc(), engine)},
                        {DNNL_ARG_DST, filled(desc.dst_desc(), engine)}};
#if DNNL_VERSION_MAJOR >= 3
    arguments.emplace(DNNL_ARG_ATTR_SCALES | DNNL_ARG_WEIGHTS,
                      filled(memory::desc({s.w[0]}, memory::data_type::f32, memory::format_tag::x), engine));
#endif
    return runner(engine, dnnl::convolution_forward(desc), arguments);
} catch (const dnnl::error&) {
    return {};
}

}  // namespace adaq
