// Average pooling over windows, vectorised over channels (innermost in NHWC). Reads each input about
// (kernel / stride)^2 times from the cache, once from memory.
#include <vector>

#include "kernels/cpu/compiled_operation.h"
#include "kernels/cpu/integer/binding.h"
#include "kernels/cpu/vectorise.h"

namespace adaq::cpu {
namespace {

ADAQ_VECTORISE void accumulate(const float* x, int64_t n, double* sum) {
    for (int64_t i = 0; i < n; ++i) sum[i] += static_cast<double>(x[i]);
}

ADAQ_VECTORISE void accumulate(const uint8_t* x, int64_t n, double* sum) {
    for (int64_t i = 0; i < n; ++i) sum[i] += static_cast<double>(x[i]);
}

/// y = factor * (sum - zeros)
ADAQ_VECTORISE void average(const double* sum, double zeros, float factor, int64_t n, float* y) {
    for (int64_t i = 0; i < n; ++i) y[i] = factor * static_cast<float>(sum[i] - zeros);
}

class CompiledAveragePool : public CompiledOperation {
  public:
    CompiledAveragePool(const Program& program, const AveragePool& op, const OperationSetting& setting)
        : op_(op),
          rows_(op.window.rows()),
          columns_(op.window.columns()),
          codes_(program.tensor(op.x).type.dtype == DType::u8),
          x_(program.shape(op.x)),
          y_(program.shape(op.y)),
          images_(setting.images),
          threads_(setting.threads) {}

    void run(const View& view) override {
        if (codes_)
            pool(codes_at(view, op_.x), view.at(op_.y));
        else
            pool(view.at(op_.x), view.at(op_.y));
    }

  private:
    template <typename Element>
    void pool(const Element* x, float* y) const {
        const int64_t rows = images_ * y_[1], row = y_[2] * y_[3], image = x_[1] * x_[2] * x_[3];
#pragma omp parallel for num_threads(threads_) schedule(static) if (threads_ > 1)
        for (int64_t part = 0; part < threads_; ++part) {
            std::vector<double> sums(static_cast<size_t>(x_[3]));
            for (int64_t i = rows * part / threads_; i < rows * (part + 1) / threads_; ++i)
                pool_row(x + i / y_[1] * image, i % y_[1], sums, y + i * row);
        }
    }
    template <typename Element>
    void pool_row(const Element* image, int64_t p, std::vector<double>& sums, float* y) const {
        const int64_t channels = x_[3], top = rows_.first(p), bottom = rows_.last(p, x_[1]);
        for (int64_t q = 0; q < y_[2]; ++q, y += channels) {
            const int64_t left = columns_.first(q), right = columns_.last(q, x_[2]);
            std::fill(sums.begin(), sums.end(), 0.0);
            for (int64_t h = top; h < bottom; ++h)
                for (int64_t w = left; w < right; ++w)
                    accumulate(image + (h * x_[2] + w) * channels, channels, sums.data());
            const int64_t inside = (bottom - top) * (right - left),
                          count = op_.counts_padding ? rows_.kernel * columns_.kernel : inside;
            average(sums.data(), static_cast<double>(inside * op_.x_zero), op_.scale / static_cast<float>(count),
                    channels, y);
        }
    }

    AveragePool op_;
    WindowAxis rows_, columns_;
    bool codes_;
    Shape x_, y_;
    int64_t images_;
    int threads_;
};

}  // namespace

std::unique_ptr<CompiledOperation> compile_operation(const Program& program, const AveragePool& op,
                                                     const OperationSetting& setting) {
    return std::make_unique<CompiledAveragePool>(program, op, setting);
}

}  // namespace adaq::cpu
