// Batch norm with the batch's statistics, both ways, and with fixed ones: each pass reads its tensors once, sums in
// double, channels innermost.
#include <cmath>

#include "kernels/cpu/training/activation.h"
#include "kernels/cpu/training/compiled_operations.h"
#include "kernels/cpu/training/pieces.h"
#include "kernels/cpu/vectorise.h"

namespace adaq::cpu {
namespace {

constexpr int64_t kRows = 64;  // at a time, of all channels

/// sums[c] = sum over rows of term(row, c), over fixed pieces of rows added in order.
template <typename Term>
std::vector<double> sum_rows(int64_t rows, int64_t channels, const Term& add_row) {
    const int64_t pieces = (rows + kRows - 1) / kRows;
    const size_t width = channels;
    std::vector<double> partial(pieces * width), sums(width);
#pragma omp parallel for schedule(static)
    for (int64_t piece = 0; piece < pieces; ++piece) {
        double* target = partial.data() + piece * width;
        for (int64_t row = piece * kRows; row < std::min(rows, (piece + 1) * kRows); ++row) add_row(row, target);
    }
    for (size_t i = 0; i < partial.size(); ++i) sums[i % width] += partial[i];
    return sums;
}

ADAQ_VECTORISE void add_values(const float* x, int64_t n, double* sum) {
    for (int64_t c = 0; c < n; ++c) sum[c] += static_cast<double>(x[c]);
}

ADAQ_VECTORISE void add_squares(const float* x, const double* mean, int64_t n, double* sum) {
    for (int64_t c = 0; c < n; ++c) {
        const double d = static_cast<double>(x[c]) - mean[c];
        sum[c] += d * d;
    }
}

ADAQ_VECTORISE void add_products(const float* dy, const float* x, const float* mean, const float* inverse_std,
                                 int64_t n, double* sum) {
    for (int64_t c = 0; c < n; ++c)
        sum[c] += static_cast<double>(dy[c]) * static_cast<double>((x[c] - mean[c]) * inverse_std[c]);
}

class CompiledBatchNorm : public CompiledOperation {
  public:
    CompiledBatchNorm(const Program& program, const BatchNorm& op)
        : op_(op), channels_(program.shape(op.x).back()), rows_(element_count(program.shape(op.x)) / channels_) {}

    void run(const View& view) override {
        if (op_.fixed)
            take_running(view);
        else
            take_batch(view);
        normalise(view);
    }

  private:
    void take_running(const View& view) const {
        const float *mean = view.at(op_.running_mean), *variance = view.at(op_.running_variance);
        for (int64_t c = 0; c < channels_; ++c) {
            view.at(op_.mean)[c] = mean[c];
            view.at(op_.inverse_std)[c] =
                static_cast<float>(1.0 / std::sqrt(static_cast<double>(variance[c]) + op_.epsilon));
        }
    }
    void take_batch(const View& view) const {
        const float* x = view.at(op_.x);
        const auto count = static_cast<double>(rows_);
        std::vector<double> mean = sum_rows(
            rows_, channels_, [&](int64_t row, double* sum) { add_values(x + row * channels_, channels_, sum); });
        for (double& m : mean) m /= count;
        const std::vector<double> squares = sum_rows(rows_, channels_, [&](int64_t row, double* sum) {
            add_squares(x + row * channels_, mean.data(), channels_, sum);
        });
        for (int64_t c = 0; c < channels_; ++c) {
            const double m = mean[c], s = squares[c];
            view.at(op_.mean)[c] = static_cast<float>(m);
            view.at(op_.inverse_std)[c] = static_cast<float>(1.0 / std::sqrt(s / count + op_.epsilon));
            move(view.at(op_.running_mean)[c], m);
            move(view.at(op_.running_variance)[c], s / (count - 1.0));
        }
    }
    void move(float& running, double value) const {
        running = static_cast<float>(running + op_.momentum * (value - running));
    }
    void normalise(const View& view) const {
        const Epilogue& e = op_.epilogue;
        const float *x = view.at(op_.x), *residual = view.at(e.residual), *mean = view.at(op_.mean),
                    *inverse_std = view.at(op_.inverse_std), *gamma = view.at(op_.gamma), *beta = view.at(op_.beta);
        float* y = view.at(e.saved == kNone ? op_.y : e.saved);
        const float floor = e.activation.lowest(), ceiling = e.activation.highest();
        const bool clamps{e.activation};
#pragma omp parallel for schedule(static)
        for (int64_t row = 0; row < rows_; ++row) {
            for (int64_t c = 0; c < channels_; ++c) {
                const int64_t i = row * channels_ + c;
                float value = (x[i] - mean[c]) * inverse_std[c] * gamma[c] + beta[c];
                if (residual) value += e.residual_scale * residual[i];
                if (clamps && !(value > floor)) value = floor;
                y[i] = value > ceiling ? ceiling : value;
            }
        }
        if (e.saved != kNone || e.quantiser) quantise_pass(y, view, e.quantiser, rows_ * channels_, view.at(op_.y));
    }

    BatchNorm op_;
    int64_t channels_, rows_;
};

class CompiledBatchNormGradient : public CompiledOperation {
  public:
    CompiledBatchNormGradient(const Program& program, const BatchNormGradient& op)
        : op_(op), channels_(program.shape(op.x).back()), rows_(element_count(program.shape(op.x)) / channels_) {}

    void run(const View& view) override {
        const float *x = view.at(op_.x), *dy = view.at(op_.dy), *mean = view.at(op_.mean),
                    *inverse_std = view.at(op_.inverse_std), *gamma = view.at(op_.gamma);
        float* dx = view.at(op_.dx);
        const std::vector<double> sums = sum_rows(
            rows_, channels_, [&](int64_t row, double* sum) { add_values(dy + row * channels_, channels_, sum); });
        const std::vector<double> products = sum_rows(rows_, channels_, [&](int64_t row, double* sum) {
            add_products(dy + row * channels_, x + row * channels_, mean, inverse_std, channels_, sum);
        });
        const auto count = static_cast<double>(rows_);
#pragma omp parallel for schedule(static)
        for (int64_t row = 0; row < rows_; ++row) {
            for (int64_t c = 0; c < channels_; ++c) {
                const int64_t i = row * channels_ + c;
                const auto average = static_cast<float>(sums[c] / count),
                           slope = static_cast<float>(products[c] / count);
                const float normalised = (x[i] - mean[c]) * inverse_std[c];
                dx[i] = gamma[c] * inverse_std[c] * (dy[i] - average - normalised * slope);
            }
        }
    }

  private:
    BatchNormGradient op_;
    int64_t channels_, rows_;
};

}  // namespace

std::unique_ptr<CompiledOperation> compile_for_training(const Program& program, const BatchNorm& op,
                                                        const TrainingSetting&) {
    return std::make_unique<CompiledBatchNorm>(program, op);
}

std::unique_ptr<CompiledOperation> compile_for_training(const Program& program, const BatchNormGradient& op,
                                                        const TrainingSetting&) {
    return std::make_unique<CompiledBatchNormGradient>(program, op);
}

}  // namespace adaq::cpu
