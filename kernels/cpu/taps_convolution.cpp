// The convolution by taps: each tap's rows of x are copied together (rounded where --math asks) and multiplied by the
// tap's weights; then every output adds up the rows that belong to it. 2*K*C flops a row.
#include <algorithm>

#include "kernels/cpu/pointwise.h"
#include "kernels/cpu/rounded_operand.h"
#include "kernels/cpu/taps_weights.h"
#include "kernels/cpu/vectorise.h"

namespace adaq::cpu {
namespace {

using dnnl::memory;

constexpr int64_t kLargestMap = 4;  // positions: beyond, oneDNN's own kernels are as fast

ADAQ_VECTORISE void scale_row(const float* scale, int64_t n, float* y) {
    for (int64_t i = 0; i < n; ++i) y[i] *= scale[i];
}

class CompiledTapsConvolution : public CompiledOperation {
  public:
    CompiledTapsConvolution(const Program& program, const Convolution& op, const OperationSetting& setting)
        : op_(op),
          half_(setting.math == Math::bf16),
          x_half_(program.is_bf16(op.x)),
          apart_(program.is_bf16(op.y) || setting.in_place),
          w_(program.shape(op.w)),
          y_(with_rows(program.shape(op.y), setting.images)),
          taps_(with_rows(program.shape(op.x), setting.images), w_, y_, op.window.stride_h, op.window.top),
          weights_(w_, TapsWeights::Order::ck, setting.math, !setting.weights_change),
          product_(
              taps_,
              [&](int64_t rows) {
                  const memory::dim k = w_[0], c = w_[3];
                  return TapsProduct::Layouts{memory::desc({rows, c}, operand_type(setting.math), memory::dims{c, 1}),
                                              weights_.layout(),
                                              memory::desc({rows, k}, memory::data_type::f32, memory::dims{k, 1})};
              },
              setting.lanes) {}

    void refresh(const View& view) override { weights_.refresh(taps_, product_, view.version(op_.w), view.at(op_.w)); }
    int64_t scratch_floats() const override { return sums_at() + (apart_ ? element_count(y_) : 0); }

    void run(const View& view) override {
        float *x_rows = view.scratch(), *y_rows = view.scratch() + y_at();
        for (const Tap& tap : taps_.list()) {
            if (tap.of_image == 0) continue;
            taps_.copy_x(tap, {view.at(op_.x), x_half_, half_}, x_rows);
            product_.multiply(taps_.rows_of(tap), x_rows, weights_.of(tap, view.at(op_.w)),
                              y_rows + tap.first_row * w_[0], view.scratch() + scratchpad_at(), view.lane());
        }
        float* const sums = apart_ ? view.scratch() + sums_at() : view.at(op_.y);
        add_up(view, y_rows, sums);
        finish_epilogue(op_.epilogue, view, element_count(y_), sums, view.target(op_.y));
    }

  private:
    // The scratch memory: one tap's rows of x, all taps' rows of products, oneDNN's scratchpad, sums that lie
    // apart.
    int64_t y_at() const { return room_for(taps_.most_rows() * w_[3], half_); }
    int64_t scratchpad_at() const { return y_at() + room_for(taps_.total_rows() * w_[0], false); }
    int64_t sums_at() const { return scratchpad_at() + product_.scratch_floats(); }

    /// sums = scale * (sum of its rows) + shift
    void add_up(const View& view, const float* rows, float* sums) const {
        const float *scale = view.at(op_.epilogue.scale), *shift = view.at(op_.epilogue.shift);
#pragma omp parallel for schedule(static)
        for (int64_t i = 0; i < y_[0] * y_[1] * y_[2]; ++i) {
            const int64_t q = i % y_[2], p = i / y_[2] % y_[1], n = i / (y_[1] * y_[2]), k = w_[0];
            float* y = sums + i * k;
            std::fill_n(y, k, 0.0f);
            for (const Tap& tap : taps_.list()) {
                if (!tap.rows.has(p) || !tap.columns.has(q)) continue;
                const int64_t row = tap.first_row + n * tap.of_image + (p - tap.rows.first) * tap.columns.count() + q -
                                    tap.columns.first;
                add_row(rows + row * k, k, y);
            }
            if (scale) scale_row(scale, k, y);
            if (shift) add_row(shift, k, y);
        }
    }

    Convolution op_;
    bool half_, x_half_;  // operands are bf16; x is stored so
    bool apart_;          // sums lie elsewhere: y is stored as bf16, or holds the residual until they are there
    Shape w_, y_;
    Taps taps_;
    TapsWeights weights_;
    TapsProduct product_;
};

}  // namespace

std::unique_ptr<CompiledOperation> compile_taps(const Program& program, const Convolution& op,
                                                const OperationSetting& setting) {
    return op.window.is_square() && Taps::gain(program.shape(op.w), program.shape(op.y), kLargestMap)
               ? std::make_unique<CompiledTapsConvolution>(program, op, setting)
               : nullptr;
}

}  // namespace adaq::cpu
