// The gradient to data by taps (kernels/cpu/taps.h): each tap's rows of dy times its weights; then every position of dx
// adds up the rows that belong to it. 2*K*C flops a row.
#include <algorithm>

#include "kernels/cpu/rounded_operand.h"
#include "kernels/cpu/taps_weights.h"
#include "kernels/cpu/training/activation.h"
#include "kernels/cpu/training/convolution_gradients.h"

namespace adaq::cpu {
namespace {

using dnnl::memory;

constexpr int64_t kLargestMap = 4;  // positions: beyond, oneDNN's own kernels are as fast

class CompiledTapsToData : public CompiledOperation {
  public:
    CompiledTapsToData(const Program& program, const ConvolutionToData& op, const TrainingSetting& setting)
        : op_(op),
          half_(setting.math == Math::bf16),
          dy_half_(program.is_bf16(op.dy)),
          dx_half_(program.is_bf16(op.dx)),
          x_(program.shape(op.dx)),
          w_(program.shape(op.w)),
          taps_(x_, w_, program.shape(op.dy), op.window.stride_h, op.window.top),
          weights_(w_, TapsWeights::Order::kc, setting.math, setting.constants(op.w)),
          product_(taps_, [&](int64_t rows) {
              const memory::dim k = w_[0], c = w_[3];
              return TapsProduct::Layouts{memory::desc({rows, k}, operand_type(setting.math), memory::dims{k, 1}),
                                          weights_.layout(),
                                          memory::desc({rows, c}, memory::data_type::f32, memory::dims{c, 1})};
          }) {}

    void refresh(const View& view) override { weights_.refresh(taps_, product_, view.version(op_.w), view.at(op_.w)); }
    int64_t scratch_floats() const override { return sums_at() + (dx_half_ ? element_count(x_) : 0); }

    void run(const View& view) override {
        float *dy_rows = view.scratch(), *dx_rows = view.scratch() + dx_at();
        for (const Tap& tap : taps_.list()) {
            if (tap.of_image == 0) continue;
            taps_.copy_y(tap, {view.at(op_.dy), dy_half_, half_}, dy_rows);
            product_.multiply(taps_.rows_of(tap), dy_rows, weights_.of(tap, view.at(op_.w)),
                              dx_rows + tap.first_row * w_[3], view.scratch() + scratchpad_at());
        }
        float* const sums = dx_half_ ? view.scratch() + sums_at() : view.at(op_.dx);
        add_up(dx_rows, sums);
        finish_gradient(op_, view, element_count(x_), sums);
    }

  private:
    // The scratch memory: one tap's rows of dy, all taps' rows of products, oneDNN's scratchpad, sums of a rounded dx.
    int64_t dx_at() const { return room_for(taps_.most_rows() * w_[0], half_); }
    int64_t scratchpad_at() const { return dx_at() + room_for(taps_.total_rows() * w_[3], false); }
    int64_t sums_at() const { return scratchpad_at() + product_.scratch_floats(); }

    void add_up(const float* rows, float* sums) const {
        const int64_t c = w_[3], stride = op_.window.stride_h;
#pragma omp parallel for schedule(static)
        for (int64_t i = 0; i < x_[0] * x_[1] * x_[2]; ++i) {
            const int64_t w = i % x_[2], h = i / x_[2] % x_[1], n = i / (x_[1] * x_[2]);
            float* dx = sums + i * c;
            std::fill_n(dx, c, 0.0f);
            for (const Tap& tap : taps_.list()) {
                const int64_t down = h + op_.window.top - tap.r, right = w + op_.window.top - tap.s;
                if (down % stride != 0 || right % stride != 0) continue;
                const int64_t p = down / stride, q = right / stride;
                if (!tap.rows.has(p) || !tap.columns.has(q)) continue;
                const int64_t row = tap.first_row + n * tap.of_image + (p - tap.rows.first) * tap.columns.count() + q -
                                    tap.columns.first;
                add_row(rows + row * c, c, dx);
            }
        }
    }

    ConvolutionToData op_;
    bool half_, dy_half_, dx_half_;  // operands are bf16; dy, dx are stored so
    Shape x_, w_;
    Taps taps_;
    TapsWeights weights_;
    TapsProduct product_;
};

}  // namespace

std::unique_ptr<CompiledOperation> compile_taps(const Program& program, const ConvolutionToData& op,
                                                const TrainingSetting& setting) {
    return op.window.is_square() && Taps::gain(program.shape(op.w), program.shape(op.dy), kLargestMap)
               ? std::make_unique<CompiledTapsToData>(program, op, setting)
               : nullptr;
}

}  // namespace adaq::cpu
