// The gradient to weights by taps (kernels/cpu/taps.h): dw[:,r,s,:] = dy' x over the tap's rows, written where KRSC
// wants it, so that nothing is reordered. 2*K*C flops a row; 4*K*C bytes written a tap.
#include "kernels/cpu/training/convolution_gradients.h"

#include <algorithm>

#include "kernels/cpu/rounded_operand.h"
#include "kernels/cpu/taps_product.h"

namespace adaq::cpu {
namespace {

using dnnl::memory;

constexpr int64_t kLargestMap = 16;  // positions: beyond, oneDNN's own kernels are as fast

class CompiledTapsGradient : public CompiledOperation {
  public:
    CompiledTapsGradient(const Program& program, const ConvolutionToWeights& op, const TrainingSetting& setting)
        : op_(op),
          half_(setting.math == Math::bf16),
          x_half_(program.is_bf16(op.x)),
          dy_half_(program.is_bf16(op.dy)),
          w_(program.shape(op.dw)),
          taps_(program.shape(op.x), w_, program.shape(op.dy), op.window.stride_h, op.window.top),
          product_(taps_, [&](int64_t rows) {
              const auto operand = operand_type(setting.math);
              const memory::dim k = w_[0], c = w_[3];
              return TapsProduct::Layouts{memory::desc({k, rows}, operand, memory::dims{1, k}),
                                          memory::desc({rows, c}, operand, memory::dims{c, 1}),
                                          memory::desc({k, c}, memory::data_type::f32, memory::dims{of_k(), 1})};
          }) {}

    int64_t scratch_floats() const override { return scratchpad_at() + product_.scratch_floats(); }

    void run(const View& view) override {
        float *dy_rows = view.scratch(), *x_rows = view.scratch() + x_at();
        for (const Tap& tap : taps_.list()) {
            float* dw = view.at(op_.dw) + (tap.r * w_[2] + tap.s) * w_[3];
            if (tap.of_image == 0) {
                for (int64_t k = 0; k < w_[0]; ++k) std::fill_n(dw + k * of_k(), w_[3], 0.0f);
                continue;
            }
            taps_.copy_y(tap, {view.at(op_.dy), dy_half_, half_}, dy_rows);
            taps_.copy_x(tap, {view.at(op_.x), x_half_, half_}, x_rows);
            product_.multiply(taps_.rows_of(tap), dy_rows, x_rows, dw, view.scratch() + scratchpad_at());
        }
    }

  private:
    int64_t of_k() const { return w_[1] * w_[2] * w_[3]; }
    // The scratch memory: one tap's rows of dy and of x, oneDNN's scratchpad.
    int64_t x_at() const { return room_for(taps_.most_rows() * w_[0], half_); }
    int64_t scratchpad_at() const { return x_at() + room_for(taps_.most_rows() * w_[3], half_); }

    ConvolutionToWeights op_;
    bool half_, x_half_, dy_half_;  // operands are bf16; x, dy are stored so
    Shape w_;
    Taps taps_;
    TapsProduct product_;
};

/// Whether a tap never meets the map. oneDNN's bf16 kernel leaves such taps' gradients as they happen to be.
bool of_padding_alone(const Program& program, const ConvolutionToWeights& op) {
    const Taps taps(program.shape(op.x), program.shape(op.dw), program.shape(op.dy), op.window.stride_h, op.window.top);
    return std::any_of(taps.list().begin(), taps.list().end(), [](const Tap& tap) { return tap.of_image == 0; });
}

}  // namespace

std::unique_ptr<CompiledOperation> compile_taps(const Program& program, const ConvolutionToWeights& op,
                                                const TrainingSetting& setting) {
    if (!op.window.is_square()) return nullptr;
    return Taps::gain(program.shape(op.dw), program.shape(op.dy), kLargestMap) || of_padding_alone(program, op)
               ? std::make_unique<CompiledTapsGradient>(program, op, setting)
               : nullptr;
}

}  // namespace adaq::cpu
