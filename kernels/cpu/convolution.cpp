// Convolution through oneDNN, NHWC, with the epilogue's scale, shift, residual and ReLU fused as post-operations. What
// a post-operation cannot do exactly (the quantiser divides) follows in one pass over the chunk, which is still in the
// cache.
#include <string>
#include <unordered_map>

#include "kernels/cpu/epilogue.h"
#include "kernels/cpu/onednn.h"
#include "kernels/cpu/step.h"

namespace adaq::cpu {
namespace {

using dnnl::memory;

/// Zero padding costs the block-matrix kernels ("brgconv") full work, the direct ones none, and on small maps much of
/// the window is padding: there, and for their 1x1 twins, the direct kernel of the same instruction set is taken if
/// there is one.
constexpr memory::dim kSmallMap = 16;  // positions

WantedImplementation wanted_for(const ConvolutionShape& d) {
    const bool direct = d.p * d.q <= kSmallMap;
    return [direct](std::string_view name) { return direct && name.starts_with("jit:avx512"); };
}

class ConvolutionStep : public Step {
  public:
    ConvolutionStep(const Program& program, const Convolution& op, int64_t chunk) : op_(op) {
        const Shape &x = program.shape(op.x), &w = program.shape(op.w), &y = program.shape(op.y);
        const ConvolutionShape d{chunk, x[1], x[2], x[3], w[0], w[1], w[2], y[1], y[2], op.stride, op.padding};
        count_ = chunk * y[1] * y[2] * y[3];
        const Epilogue& e = op.epilogue;
        // A residual is added by the primitive only where nothing but a ReLU follows.
        fused_ = !e.quantiser && e.residual == kNone;
        const bool bias = e.scale == kNone && e.shift != kNone;

        const memory::desc per_channel({1, d.k, 1, 1}, memory::data_type::f32, memory::format_tag::nchw);
        dnnl::post_ops post;
        auto append = [&](dnnl::algorithm algorithm, TensorId operand) {
            post.append_binary(algorithm, per_channel);
            post_operands_.emplace_back(operand, memory(per_channel, engine(), nullptr));
        };
        if (e.scale != kNone) append(dnnl::algorithm::binary_mul, e.scale);
        if (e.shift != kNone && !bias) append(dnnl::algorithm::binary_add, e.shift);
        if (e.relu && fused_) {
#if DNNL_VERSION_MAJOR >= 3
            post.append_eltwise(dnnl::algorithm::eltwise_relu, 0.0f, 0.0f);
#else
            post.append_eltwise(1.0f, dnnl::algorithm::eltwise_relu, 0.0f, 0.0f);
#endif
        }
        dnnl::primitive_attr attributes;
        attributes.set_post_ops(post);
        const auto desc = convolution_forward_desc(d, bias, attributes, wanted_for(d));
        primitive_ = dnnl::convolution_forward(desc);

        x_ = memory(desc.src_desc(), engine(), nullptr);
        y_ = memory(desc.dst_desc(), engine(), nullptr);
        w_ = memory(desc.weights_desc(), engine());
        plain_w_ = memory({{d.k, d.c, d.r, d.s}, memory::data_type::f32, memory::format_tag::acdb}, engine(), nullptr);
        arguments_ = {{DNNL_ARG_SRC, x_}, {DNNL_ARG_WEIGHTS, w_}, {DNNL_ARG_DST, y_}};
        if (bias) {
            bias_ = memory({{d.k}, memory::data_type::f32, memory::format_tag::a}, engine(), nullptr);
            arguments_.emplace(DNNL_ARG_BIAS, bias_);
        }
        for (size_t i = 0; i < post_operands_.size(); ++i) {
            const int argument = DNNL_ARG_ATTR_MULTIPLE_POST_OP(static_cast<int>(i)) | DNNL_ARG_SRC_1;
            arguments_.emplace(argument, post_operands_[i].second);
        }
    }

    void run(const View& view) override {
        refresh_weights(view);
        x_.set_data_handle(view.at(op_.x));
        y_.set_data_handle(view.at(op_.y));
        if (bias_) bias_.set_data_handle(view.at(op_.epilogue.shift));
        for (auto& [operand, place] : post_operands_) place.set_data_handle(view.at(operand));
        primitive_.execute(stream_, arguments_);
        stream_.wait();
        if (!fused_) finish_epilogue(op_.epilogue, view, count_, view.at(op_.y));
    }

  private:
    void refresh_weights(const View& view) {
        if (fresh_ && version_ == view.version(op_.w)) return;
        plain_w_.set_data_handle(view.at(op_.w));
        dnnl::reorder(plain_w_, w_).execute(stream_, plain_w_, w_);
        stream_.wait();
        version_ = view.version(op_.w);
        fresh_ = true;
    }

    Convolution op_;
    int64_t count_ = 0;
    bool fused_ = false, fresh_ = false;
    uint64_t version_ = 0;
    dnnl::stream stream_{engine()};
    dnnl::convolution_forward primitive_;
    memory x_, w_, y_, plain_w_, bias_;
    std::vector<std::pair<TensorId, memory>> post_operands_;
    std::unordered_map<int, memory> arguments_;
};

}  // namespace

std::unique_ptr<Step> make_step(const Program& program, const Convolution& op, int64_t chunk) {
    return std::make_unique<ConvolutionStep>(program, op, chunk);
}

}  // namespace adaq::cpu
