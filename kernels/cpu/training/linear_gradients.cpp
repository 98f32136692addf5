// Gradients of the fully connected layer: 2*N*C*K flops each, a thousandth of a ResNet's work. Vectorised over C.
#include <algorithm>

#include "kernels/cpu/bf16_rows.h"
#include "kernels/cpu/training/activation.h"
#include "kernels/cpu/training/compiled_operations.h"
#include "kernels/cpu/vectorise.h"

namespace adaq::cpu {
namespace {

ADAQ_VECTORISE void add_scaled(float factor, const float* x, int64_t n, float* y) {
    for (int64_t i = 0; i < n; ++i) y[i] += factor * x[i];
}

/// Tensors as they are multiplied: themselves, or copies in bf16's precision, one after the other in the scratch
/// memory.
class Operands {
  public:
    Operands(const View& view, const TrainingSetting& setting)
        : view_(view), half_(setting.math == Math::bf16), free_(view.scratch()) {}
    const float* operator()(TensorId id, int64_t count) {
        if (!half_) return view_.at(id);
        float* copy = free_;
        free_ += count;
        rounded_values(view_.at(id), view_.is_bf16(id), count, copy);
        return copy;
    }

  private:
    const View& view_;
    bool half_;
    float* free_;
};

class CompiledLinearToData : public CompiledOperation {
  public:
    CompiledLinearToData(const Program& program, const LinearToData& op, const TrainingSetting& setting)
        : op_(op),
          setting_(setting),
          rows_(program.shape(op.dx)[0]),
          features_(program.shape(op.w)[1]),
          outputs_(program.shape(op.w)[0]) {}

    int64_t scratch_floats() const override {
        return setting_.math == Math::bf16 ? rows_ * outputs_ + outputs_ * features_ : 0;
    }
    void run(const View& view) override {
        Operands operand(view, setting_);
        const float *dy = operand(op_.dy, rows_ * outputs_), *w = operand(op_.w, outputs_ * features_);
        float* dx = view.at(op_.dx);
#pragma omp parallel for schedule(static)
        for (int64_t n = 0; n < rows_; ++n) {
            float* row = dx + n * features_;
            std::fill_n(row, features_, 0.0f);
            for (int64_t k = 0; k < outputs_; ++k) add_scaled(dy[n * outputs_ + k], w + k * features_, features_, row);
        }
        finish_gradient(op_, view, rows_ * features_, dx);
    }

  private:
    LinearToData op_;
    TrainingSetting setting_;
    int64_t rows_, features_, outputs_;
};

class CompiledLinearToWeights : public CompiledOperation {
  public:
    CompiledLinearToWeights(const Program& program, const LinearToWeights& op, const TrainingSetting& setting)
        : op_(op),
          setting_(setting),
          rows_(program.shape(op.x)[0]),
          features_(program.shape(op.dw)[1]),
          outputs_(program.shape(op.dw)[0]) {}

    int64_t scratch_floats() const override { return setting_.math == Math::bf16 ? rows_ * (features_ + outputs_) : 0; }
    void run(const View& view) override {
        Operands operand(view, setting_);
        const float *dy = operand(op_.dy, rows_ * outputs_), *x = operand(op_.x, rows_ * features_);
#pragma omp parallel for schedule(static)
        for (int64_t k = 0; k < outputs_; ++k) {
            float* row = view.at(op_.dw) + k * features_;
            std::fill_n(row, features_, 0.0f);
            for (int64_t n = 0; n < rows_; ++n) add_scaled(dy[n * outputs_ + k], x + n * features_, features_, row);
        }
    }

  private:
    LinearToWeights op_;
    TrainingSetting setting_;
    int64_t rows_, features_, outputs_;
};

}  // namespace

std::unique_ptr<CompiledOperation> compile_for_training(const Program& program, const LinearToData& op,
                                                        const TrainingSetting& setting) {
    return std::make_unique<CompiledLinearToData>(program, op, setting);
}

std::unique_ptr<CompiledOperation> compile_for_training(const Program& program, const LinearToWeights& op,
                                                        const TrainingSetting& setting) {
    return std::make_unique<CompiledLinearToWeights>(program, op, setting);
}

}  // namespace adaq::cpu
