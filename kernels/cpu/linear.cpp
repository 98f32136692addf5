// The fully connected layer: 2*N*C*K flops over 4*K*C bytes of weights, a thousandth of a ResNet's work. Our own loop,
// not a library's, because the order of its sums must depend on C alone, whatever the batch and the number of threads:
// so logits keep their bits. Each output adds kTermsInARow terms one after the other in float32, these sums in double.
#include <algorithm>
#include <cmath>

#include "kernels/cpu/bf16_rows.h"
#include "kernels/cpu/compiled_operation.h"
#include "kernels/cpu/pointwise.h"
#include "kernels/cpu/vectorise.h"

namespace adaq::cpu {
namespace {

constexpr int64_t kRows = 8, kColumns = 64;  // images and outputs at a time: one reading of the weights for all rows
constexpr int64_t kTermsInARow = 32;  // rounding errors grow with its root, not with that of 25,088 features of a VGG

/// y[n][k] = sum over c of x[n][c] * w[c][k] for k in [first, first + kColumns) or up to `outputs`: vectorised over
/// outputs, so that no output's own order changes.
ADAQ_VECTORISE void multiply(const float* x, int64_t rows, int64_t features, const float* w, int64_t outputs,
                             int64_t first, float* y) {
    double sums[kRows][kColumns] = {};
    const int64_t columns = std::min(kColumns, outputs - first);
    for (int64_t begin = 0; begin < features; begin += kTermsInARow) {
        float parts[kRows][kColumns] = {};
        const int64_t end = std::min(begin + kTermsInARow, features);
        for (int64_t c = begin; c < end; ++c) {
            const float* row = w + c * outputs + first;
            for (int64_t n = 0; n < rows; ++n) {
                const float value = x[n * features + c];
                for (int64_t k = 0; k < columns; ++k) parts[n][k] += value * row[k];
            }
        }
        for (int64_t n = 0; n < rows; ++n) {
            for (int64_t k = 0; k < columns; ++k) sums[n][k] += parts[n][k];
        }
    }
    for (int64_t n = 0; n < rows; ++n) {
        for (int64_t k = 0; k < columns; ++k) y[n * outputs + first + k] = static_cast<float>(sums[n][k]);
    }
}

/// The same for sums whose order or exactness is asked for: values by fused multiply-adds, integers in double.
ADAQ_VECTORISE void multiply_exactly(const float* x, int64_t features, const float* w, int64_t outputs, float* y) {
    constexpr int64_t kAtATime = 32;
    for (int64_t first = 0; first < outputs; first += kAtATime) {
        double sums[kAtATime] = {};
        const int64_t columns = std::min(kAtATime, outputs - first);
        for (int64_t c = 0; c < features; ++c) {
            const double value = x[c];
            const float* row = w + c * outputs + first;
            for (int64_t k = 0; k < columns; ++k) sums[k] += value * row[k];
        }
        for (int64_t k = 0; k < columns; ++k) y[first + k] = static_cast<float>(sums[k]);
    }
}

void multiply_in_order(const float* x, int64_t features, const float* w, int64_t outputs, float* y) {
    for (int64_t k = 0; k < outputs; ++k) {
        float sum = 0.0f;
        for (int64_t c = 0; c < features; ++c) sum = std::fma(x[c], w[c * outputs + k], sum);
        y[k] = sum;
    }
}

class CompiledLinear : public CompiledOperation {
  public:
    CompiledLinear(const Program& program, const Linear& op, const OperationSetting& setting)
        : op_(op),
          images_(setting.images),
          half_(setting.math == Math::bf16 && op.sums == Sums::free),
          stored_half_(program.is_bf16(op.x)),
          features_(program.shape(op.w)[1]),
          outputs_(program.shape(op.w)[0]),
          transposed_(features_ * outputs_) {}

    void refresh(const View& view) override {
        if (fresh_ && version_ == view.version(op_.w)) return;
        const float* w = view.at(op_.w);
        for (int64_t k = 0; k < outputs_; ++k) {
            for (int64_t c = 0; c < features_; ++c) transposed_.data()[c * outputs_ + k] = w[k * features_ + c];
        }
        if (half_) round_in_place(transposed_.size(), transposed_.data());
        version_ = view.version(op_.w);
        fresh_ = true;
    }

    int64_t scratch_floats() const override { return half_ ? images_ * features_ : 0; }

    void run(const View& view) override {
        const float *x = operand(view), *scale = view.at(op_.epilogue.scale), *shift = view.at(op_.epilogue.shift);
        float* y = view.at(op_.y);
        if (op_.sums != Sums::free) {
            for (int64_t n = 0; n < images_; ++n)
                (op_.sums == Sums::exact ? multiply_exactly : multiply_in_order)(
                    x + n * features_, features_, transposed_.data(), outputs_, y + n * outputs_);
        }
        const int64_t free_images = op_.sums == Sums::free ? images_ : 0;
#pragma omp parallel for collapse(2) schedule(static)
        for (int64_t n = 0; n < free_images; n += kRows) {
            for (int64_t k = 0; k < outputs_; k += kColumns) {
                multiply(x + n * features_, std::min(kRows, images_ - n), features_, transposed_.data(), outputs_, k,
                         y + n * outputs_);
            }
        }
        for (int64_t n = 0; n < images_; ++n) scale_and_shift(y + n * outputs_, scale, shift);
        finish_epilogue(op_.epilogue, view, images_ * outputs_, y, y);
    }

  private:
    const float* operand(const View& view) const {
        const float* x = view.at(op_.x);
        if (!half_) return x;
        rounded_values(x, stored_half_, images_ * features_, view.scratch());
        return view.scratch();
    }
    void scale_and_shift(float* y, const float* scale, const float* shift) const {
        for (int64_t k = 0; scale && k < outputs_; ++k) y[k] *= scale[k];
        for (int64_t k = 0; shift && k < outputs_; ++k) y[k] += shift[k];
    }

    Linear op_;
    int64_t images_;
    bool half_, stored_half_;  // bf16 operands; x is stored so
    int64_t features_, outputs_;
    AlignedFloats transposed_;  // [C][K]
    uint64_t version_ = 0;
    bool fresh_ = false;
};

}  // namespace

std::unique_ptr<CompiledOperation> compile_operation(const Program& program, const Linear& op,
                                                     const OperationSetting& setting) {
    return std::make_unique<CompiledLinear>(program, op, setting);
}

}  // namespace adaq::cpu
