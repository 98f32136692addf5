// Convolution's gradients to data and to weights through oneDNN, activations NHWC, weights in the primitive's own
// layout with one reorder an iteration (weights are small beside activations; where they are not, taps.h is quicker).
#include "kernels/cpu/training/convolution_gradients.h"

#include <optional>

#include "kernels/cpu/onednn.h"
#include "kernels/cpu/rounded_operand.h"
#include "kernels/cpu/training/activation.h"
#include "kernels/cpu/winograd.h"

namespace adaq::cpu {
namespace {

using dnnl::memory;

class CompiledToData : public CompiledOperation {
  public:
    CompiledToData(const Program& program, const ConvolutionToData& op, const TrainingSetting& setting)
        : op_(op), count_(element_count(program.shape(op.dx))), dx_half_(program.is_bf16(op.dx)) {
        const Shape& dx = program.shape(op.dx);
        const ConvolutionShape d(dx, program.shape(op.w), program.shape(op.dy), dx[0], op.window);
        const auto desc = convolution_to_data_desc(d, operand_type(setting.math));
        primitive_ = dnnl::convolution_backward_data(desc);
        dy_.emplace(desc.diff_dst_desc(), element_count(program.shape(op.dy)), setting.math, program.is_bf16(op.dy));
        dx_ = memory(desc.diff_src_desc(), engine(), nullptr);
        w_ = memory(desc.weights_desc(), engine());
        plain_w_ = plain_weights(d);
        scratchpad_ = memory(desc.scratchpad_desc(), engine(), nullptr);
        sums_at_ = dy_->scratch_floats() + floats_of(desc.scratchpad_desc());
    }
    int64_t scratch_floats() const override { return sums_at_ + (dx_half_ ? count_ : 0); }

    void run(const View& view) override {
        float* const sums = dx_half_ ? view.scratch() + sums_at_ : view.at(op_.dx);
        renew_weights(view);
        dy_->place(view.at(op_.dy), view.scratch());
        dx_.set_data_handle(sums);
        scratchpad_.set_data_handle(view.scratch() + dy_->scratch_floats());
        primitive_.execute(stream_, {{DNNL_ARG_DIFF_DST, dy_->memory()},
                                     {DNNL_ARG_WEIGHTS, w_},
                                     {DNNL_ARG_DIFF_SRC, dx_},
                                     {DNNL_ARG_SCRATCHPAD, scratchpad_}});
        stream_.wait();
        finish_gradient(op_, view, count_, sums);
    }

  private:
    void renew_weights(const View& view) {
        if (weights_version_ == view.version(op_.w)) return;
        weights_version_ = view.version(op_.w);
        plain_w_.set_data_handle(view.at(op_.w));
        dnnl::reorder(plain_w_, w_).execute(stream_, plain_w_, w_);
    }

    ConvolutionToData op_;
    int64_t count_;
    std::optional<uint64_t> weights_version_;  // that w_ was made from
    int64_t sums_at_ = 0;                      // in the scratch memory, behind the operand and oneDNN's scratchpad
    bool dx_half_;                             // dx is stored as bf16: sums lie elsewhere
    dnnl::stream stream_{engine()};
    dnnl::convolution_backward_data primitive_;
    std::optional<RoundedOperand> dy_;
    memory dx_, w_, plain_w_, scratchpad_;
};

class CompiledToWeights : public CompiledOperation {
  public:
    CompiledToWeights(const Program& program, const ConvolutionToWeights& op, const TrainingSetting& setting)
        : op_(op) {
        const Shape& x = program.shape(op.x);
        const ConvolutionShape d(x, program.shape(op.dw), program.shape(op.dy), x[0], op.window);
        const auto desc = convolution_to_weights_desc(d, operand_type(setting.math));
        primitive_ = dnnl::convolution_backward_weights(desc);
        x_.emplace(desc.src_desc(), element_count(program.shape(op.x)), setting.math, program.is_bf16(op.x));
        dy_.emplace(desc.diff_dst_desc(), element_count(program.shape(op.dy)), setting.math, program.is_bf16(op.dy));
        dw_ = memory(desc.diff_weights_desc(), engine());
        plain_dw_ = plain_weights(d);
        scratchpad_ = memory(desc.scratchpad_desc(), engine(), nullptr);
        scratch_floats_ = x_->scratch_floats() + dy_->scratch_floats() + floats_of(desc.scratchpad_desc());
    }
    int64_t scratch_floats() const override { return scratch_floats_; }

    void run(const View& view) override {
        float* const dy_copy = view.scratch() + x_->scratch_floats();
        x_->place(view.at(op_.x), view.scratch());
        dy_->place(view.at(op_.dy), dy_copy);
        plain_dw_.set_data_handle(view.at(op_.dw));
        scratchpad_.set_data_handle(dy_copy + dy_->scratch_floats());
        primitive_.execute(stream_, {{DNNL_ARG_SRC, x_->memory()},
                                     {DNNL_ARG_DIFF_DST, dy_->memory()},
                                     {DNNL_ARG_DIFF_WEIGHTS, dw_},
                                     {DNNL_ARG_SCRATCHPAD, scratchpad_}});
        dnnl::reorder(dw_, plain_dw_).execute(stream_, dw_, plain_dw_);
        stream_.wait();
    }

  private:
    ConvolutionToWeights op_;
    int64_t scratch_floats_;
    dnnl::stream stream_{engine()};
    dnnl::convolution_backward_weights primitive_;
    std::optional<RoundedOperand> x_, dy_;
    memory dw_, plain_dw_, scratchpad_;
};

}  // namespace

std::unique_ptr<CompiledOperation> compile_for_training(const Program& program, const ConvolutionToData& op,
                                                        const TrainingSetting& setting) {
    if (auto compiled = compile_depthwise(program, op, setting)) return compiled;
    if (auto compiled = compile_taps(program, op, setting)) return compiled;
    OperationSetting whole_batch{program.shape(op.dx)[0], 1, setting.threads};
    whole_batch.math = setting.math;
    whole_batch.weights_change = !setting.constants(op.w);
    if (auto compiled = compile_winograd(program, op, whole_batch)) return compiled;
    return std::make_unique<CompiledToData>(program, op, setting);
}

std::unique_ptr<CompiledOperation> compile_for_training(const Program& program, const ConvolutionToWeights& op,
                                                        const TrainingSetting& setting) {
    if (auto compiled = compile_depthwise(program, op, setting)) return compiled;
    OperationSetting whole_batch{program.shape(op.x)[0], 1, setting.threads};
    whole_batch.math = setting.math;
    if (auto compiled = compile_winograd(program, op, whole_batch)) return compiled;
    if (auto compiled = compile_taps(program, op, setting)) return compiled;
    return std::make_unique<CompiledToWeights>(program, op, setting);
}

}  // namespace adaq::cpu
