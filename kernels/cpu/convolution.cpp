// Convolution through oneDNN, NHWC, with the epilogue's scale, shift, residual and activation fused as post-operations.
// What a post-operation cannot do exactly (the quantiser divides), and a residual that does not lie where the output
// goes (oneDNN 2.6 knows it then for slow kernels only), follows in one pass over what is still in the cache.
//
// Where the input is not integer codes, the scale is folded into the convolution's own copy of the weights: fewer
// post-operations leave more of oneDNN's implementations to choose from. With codes it must not be: their sums are
// exact only as sums of integers.
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "kernels/cpu/compiled_operation.h"
#include "kernels/cpu/depthwise.h"
#include "kernels/cpu/integer/compiled.h"
#include "kernels/cpu/onednn.h"
#include "kernels/cpu/pointwise.h"
#include "kernels/cpu/rounded_operand.h"
#include "kernels/cpu/taps.h"
#include "kernels/cpu/winograd.h"

namespace adaq::cpu {
namespace {

using dnnl::memory;

/// Zero padding costs the block-matrix kernels ("brgconv") full work, the direct ones none, and on small maps much of
/// the window is padding: there, and for their 1x1 twins, the direct kernel of the same instruction set is taken if
/// there is one. In bf16 it is the quicker one for every 1x1 and for images of few channels; where there are matrix
/// tiles (AMX) oneDNN's choice stands, and where channels do not fill vectors: oneDNN 2.6's bf16 kernel for 1x1
/// gives wrong sums there. Its kernels for matrix tiles read memory that nobody wrote, and may crash, where a window is
/// larger than the map.
constexpr memory::dim kSmallMap = 16;    // positions
constexpr memory::dim kFewChannels = 8;  // of images
constexpr memory::dim kLanes = 16;

WantedImplementation wanted_for(const ConvolutionShape& d, Math math) {
    const memory::dim rows = (d.r - 1) * d.window.dilation_h + 1, columns = (d.s - 1) * d.window.dilation_w + 1;
    const bool small = d.p * d.q <= kSmallMap, half = math == Math::bf16,
               narrow = (d.r == 1 && d.s == 1) || d.c < kFewChannels;
    const bool whole = d.c % kLanes == 0 && d.k % kLanes == 0;
    const bool avoids_tiles = half && (rows > d.h || columns > d.w) && onednn_has(dnnl::cpu_isa::avx512_core_amx);
    return [small, half, narrow, whole, avoids_tiles, grouped = d.grouped()](std::string_view name) {
        const bool tiles = half && name.find("amx") != std::string_view::npos;
        if (avoids_tiles) return !tiles;
        if (grouped || tiles) return true;
        if (half && !whole && name.starts_with("jit_bf16_1x1")) return false;
        return half ? (small || narrow) && name.starts_with("jit_bf16") : small && name.starts_with("jit:avx512");
    };
}

ConvolutionShape shape_of(const Program& program, const Convolution& op, int64_t images) {
    return {program.shape(op.x), program.shape(op.w), program.shape(op.y), images, op.window};
}

/// The post-operations of a convolution, and which of the program's tensors they read.
struct Fusion {
    dnnl::post_ops operations;
    std::vector<TensorId> operands;  // of the binary ones, which come first
    TensorId folded_scale;           // the weights are multiplied by it
    TensorId bias;                   // the shift, as the convolution's own bias
    bool complete;                   // no pass remains to be done

    Fusion(const Epilogue& e, const memory::desc& per_channel, const OperationSetting& setting)
        : folded_scale(setting.of_values ? e.scale : kNone),
          bias(folded_scale == e.scale ? e.shift : kNone),
          complete(!e.quantiser && (e.residual == kNone || setting.in_place)) {
        const auto append = [&](dnnl::algorithm algorithm, TensorId operand) {
            if (operand == kNone) return;
            operations.append_binary(algorithm, per_channel);
            operands.push_back(operand);
        };
        if (folded_scale != e.scale) append(dnnl::algorithm::binary_mul, e.scale);
        if (bias != e.shift) append(dnnl::algorithm::binary_add, e.shift);
        if (setting.in_place) operations.append_sum();
        if (e.activation && complete) append_clamp(operations, e.activation);
    }
};

/// weights[k] * scale[k], K outermost.
AlignedFloats scaled(const float* weights, const float* scale, int64_t channels, int64_t weights_per_channel) {
    AlignedFloats product(channels * weights_per_channel);
    for (int64_t i = 0; i < product.size(); ++i) product.data()[i] = weights[i] * scale[i / weights_per_channel];
    return product;
}

class CompiledConvolution : public CompiledOperation {
  public:
    CompiledConvolution(const Program& program, const Convolution& op, const OperationSetting& setting) : op_(op) {
        const ConvolutionShape d = shape_of(program, op, setting.images);
        count_ = d.n * d.p * d.q * d.k;
        channels_ = d.k;
        weights_per_channel_ = d.group_c() * d.r * d.s;
        const memory::desc per_channel({1, d.k, 1, 1}, memory::data_type::f32, memory::format_tag::nchw);
        const Fusion fusion(op.epilogue, per_channel, setting);
        complete_ = fusion.complete;
        folded_scale_ = fusion.folded_scale;
        dnnl::primitive_attr attributes;
        attributes.set_post_ops(fusion.operations);
        attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);  // one a lane: lanes run at the same time
        sums_apart_ = program.is_bf16(op.y) && !complete_;
        const auto output = program.is_bf16(op.y) && complete_ ? memory::data_type::bf16 : memory::data_type::f32;
        const auto desc = convolution_forward_desc(d, operand_type(setting.math), output, fusion.bias != kNone,
                                                   attributes, wanted_for(d, setting.math));
        primitive_ = dnnl::convolution_forward(desc);
        w_ = memory(desc.weights_desc(), engine());
        plain_w_ = plain_weights(d);
        for (int i = 0; i < setting.lanes; ++i) {
            lanes_.push_back(make_lane(desc,
                                       {desc.src_desc(), d.n * d.h * d.w * d.c, setting.math, program.is_bf16(op.x)},
                                       fusion, per_channel));
        }
        sums_at_ = lanes_.front().x.scratch_floats() + floats_of(desc.scratchpad_desc());
    }

    int64_t scratch_floats() const override { return sums_at_ + (sums_apart_ ? count_ : 0); }

    void refresh(const View& view) override {
        const Versions versions{view.version(op_.w), folded_scale_ == kNone ? 0 : view.version(folded_scale_)};
        if (versions_ == versions) return;
        AlignedFloats product;
        float* weights = view.at(op_.w);
        if (folded_scale_ != kNone) {
            product = scaled(weights, view.at(folded_scale_), channels_, weights_per_channel_);
            weights = product.data();
        }
        dnnl::stream stream(engine());
        plain_w_.set_data_handle(weights);
        dnnl::reorder(plain_w_, w_).execute(stream, plain_w_, w_);
        stream.wait();
        versions_ = versions;
    }

    void run(const View& view) override {
        Lane& lane = lanes_[view.lane()];
        for (auto& [tensor, place] : lane.operands) place.set_data_handle(view.at(tensor));
        lane.x.place(view.at(op_.x), view.scratch());
        lane.scratchpad.set_data_handle(view.scratch() + lane.x.scratch_floats());
        float* const sums = sums_apart_ ? view.scratch() + sums_at_ : view.at(op_.y);
        lane.y.set_data_handle(sums);
        primitive_.execute(lane.stream, lane.arguments);
        lane.stream.wait();
        if (!complete_) finish_epilogue(op_.epilogue, view, count_, sums, view.target(op_.y));
    }

  private:
    using Versions = std::pair<uint64_t, uint64_t>;  // of the weights and the scale

    /// What a run writes to: the places of its tensors and of the scratchpad, which change from run to run.
    struct Lane {
        RoundedOperand x;
        dnnl::stream stream{engine()};
        std::vector<std::pair<TensorId, memory>> operands = {};
        memory y = {}, scratchpad = {};
        std::unordered_map<int, memory> arguments = {};
    };

    Lane make_lane(const dnnl::convolution_forward::primitive_desc& desc, RoundedOperand x, const Fusion& fusion,
                   const memory::desc& per_channel) const {
        Lane lane{std::move(x)};
        const auto add = [&](int argument, TensorId tensor, const memory::desc& layout) {
            lane.operands.emplace_back(tensor, memory(layout, engine(), nullptr));
            lane.arguments.emplace(argument, lane.operands.back().second);
        };
        lane.arguments.emplace(DNNL_ARG_SRC, lane.x.memory());
        lane.y = memory(desc.dst_desc(), engine(), nullptr);
        lane.arguments.emplace(DNNL_ARG_DST, lane.y);
        if (fusion.bias != kNone) add(DNNL_ARG_BIAS, fusion.bias, desc.bias_desc());
        for (size_t i = 0; i < fusion.operands.size(); ++i) {
            add(DNNL_ARG_ATTR_MULTIPLE_POST_OP(static_cast<int>(i)) | DNNL_ARG_SRC_1, fusion.operands[i], per_channel);
        }
        lane.arguments.emplace(DNNL_ARG_WEIGHTS, w_);
        lane.scratchpad = memory(desc.scratchpad_desc(), engine(), nullptr);
        lane.arguments.emplace(DNNL_ARG_SCRATCHPAD, lane.scratchpad);
        return lane;
    }

    Convolution op_;
    int64_t count_, channels_, weights_per_channel_;
    int64_t sums_at_ = 0;  // in the scratch memory, behind the operand and oneDNN's scratchpad
    TensorId folded_scale_ = kNone;
    bool complete_ = false, sums_apart_ = false;  // apart: not where a rounded output goes
    std::optional<Versions> versions_;            // of what w_ was made from
    dnnl::convolution_forward primitive_;
    memory w_, plain_w_;
    std::vector<Lane> lanes_;
};

}  // namespace

std::unique_ptr<CompiledOperation> compile_operation(const Program& program, const Convolution& op,
                                                     const OperationSetting& setting) {
    if (op.sums != Sums::free) return compile_ordered(program, op, setting);
    if (auto compiled = compile_depthwise(program, op, setting)) return compiled;
    if (auto compiled = compile_taps(program, op, setting)) return compiled;
    if (auto compiled = compile_winograd(program, op, setting)) return compiled;
    return std::make_unique<CompiledConvolution>(program, op, setting);
}

}  // namespace adaq::cpu
