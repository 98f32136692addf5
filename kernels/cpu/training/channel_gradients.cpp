// Gradients of what a whole channel has in common, its weights' factor and what is added to its output: 8 bytes read a
// weight, 4 (or 2, where it is stored as bf16) an element of the output's gradient.
#include <algorithm>
#include <array>
#include <vector>

#include "kernels/cpu/bf16_rows.h"
#include "kernels/cpu/training/compiled_operations.h"
#include "kernels/cpu/training/pieces.h"
#include "kernels/cpu/vectorise.h"

namespace adaq::cpu {
namespace {

ADAQ_VECTORISE void multiply(const float* a, const float* b, int64_t n, float* products) {
    for (int64_t i = 0; i < n; ++i) products[i] = a[i] * b[i];
}

class CompiledChannelScaleGradient : public CompiledOperation {
  public:
    CompiledChannelScaleGradient(const Program& program, const ChannelScaleGradient& op)
        : op_(op),
          channels_(program.shape(op.w_hat)[0]),
          elements_(element_count(program.shape(op.w_hat)) / channels_) {}

    void run(const View& view) override {
#pragma omp parallel for schedule(static)
        for (int64_t k = 0; k < channels_; ++k)
            view.at(op_.gradient)[k] = static_cast<float>(of_channel(view, k) / double{view.at(op_.factor)[k]});
    }

  private:
    double of_channel(const View& view, int64_t k) const {
        const float *w_hat = view.at(op_.w_hat) + k * elements_,
                    *gradient = view.at(op_.w_hat_gradient) + k * elements_;
        std::array<float, kPiece> products;
        double sum = 0.0;
        for (int64_t i = 0; i < elements_; i += kPiece) {
            const int64_t n = std::min(kPiece, elements_ - i);
            multiply(w_hat + i, gradient + i, n, products.data());
            sum += sum_of(products.data(), n);
        }
        return sum;
    }

    ChannelScaleGradient op_;
    int64_t channels_, elements_;
};

ADAQ_VECTORISE void add_rows(const float* rows, int64_t count, int64_t channels, float* sums) {
    for (int64_t i = 0; i < count; ++i)
        for (int64_t c = 0; c < channels; ++c) sums[c] += rows[i * channels + c];
}

/// Rows are summed in slabs, whose number depends on the rows alone, and slabs a few rows at a time in float.
class CompiledChannelShiftGradient : public CompiledOperation {
  public:
    CompiledChannelShiftGradient(const Program& program, const ChannelShiftGradient& op)
        : op_(op),
          half_(program.is_bf16(op.dy)),
          channels_(program.shape(op.dy).back()),
          rows_(element_count(program.shape(op.dy)) / channels_),
          run_(std::max<int64_t>(1, kPiece / channels_)),
          slabs_(std::clamp<int64_t>(rows_ / run_, 1, kMostSlabs)) {}

    void run(const View& view) override {
        std::vector<double> sums(slabs_ * channels_);
#pragma omp parallel for schedule(static)
        for (int64_t slab = 0; slab < slabs_; ++slab)
            sum_slab(view.at(op_.dy), rows_ * slab / slabs_, rows_ * (slab + 1) / slabs_,
                     sums.data() + slab * channels_);
        for (int64_t c = 0; c < channels_; ++c) {
            double sum = 0.0;
            for (int64_t slab = 0; slab < slabs_; ++slab) sum += sums[slab * channels_ + c];
            view.at(op_.gradient)[c] = static_cast<float>(sum);
        }
    }

  private:
    static constexpr int64_t kMostSlabs = 64;

    void sum_slab(const float* dy, int64_t first, int64_t last, double* sums) const {
        std::vector<float> rows(half_ ? run_ * channels_ : 0), some(channels_);
        for (int64_t i = first; i < last; i += run_) {
            const int64_t n = std::min(run_, last - i);
            const float* from = dy + (half_ ? 0 : i * channels_);
            if (half_) {
                rounded_row(dy, true, i * channels_, n * channels_, rows.data());
                from = rows.data();
            }
            std::fill(some.begin(), some.end(), 0.0f);
            add_rows(from, n, channels_, some.data());
            for (int64_t c = 0; c < channels_; ++c) sums[c] += double{some[c]};
        }
    }

    ChannelShiftGradient op_;
    bool half_;
    int64_t channels_, rows_, run_, slabs_;
};

}  // namespace

std::unique_ptr<CompiledOperation> compile_for_training(const Program& program, const ChannelScaleGradient& op,
                                                        const TrainingSetting&) {
    return std::make_unique<CompiledChannelScaleGradient>(program, op);
}

std::unique_ptr<CompiledOperation> compile_for_training(const Program& program, const ChannelShiftGradient& op,
                                                        const TrainingSetting&) {
    return std::make_unique<CompiledChannelShiftGradient>(program, op);
}

}  // namespace adaq::cpu
