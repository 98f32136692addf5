// Max pooling and average pooling, vectorised over channels (innermost in NHWC). Reads each input about
// (kernel / stride)^2 times from the cache, once from memory.
#include <algorithm>
#include <limits>

#include "kernels/cpu/compiled_operation.h"
#include "kernels/cpu/integer/binding.h"
#include "kernels/cpu/vectorise.h"

namespace adaq::cpu {
namespace {

ADAQ_VECTORISE void maximum(const float* x, int64_t n, float* y) {
    for (int64_t i = 0; i < n; ++i) y[i] = x[i] > y[i] ? x[i] : y[i];
}

ADAQ_VECTORISE void maximum(const uint8_t* x, int64_t n, uint8_t* y) {
    for (int64_t i = 0; i < n; ++i) y[i] = x[i] > y[i] ? x[i] : y[i];
}

ADAQ_VECTORISE void maximum_of(const uint8_t* a, const uint8_t* b, int64_t n, uint8_t* y) {
    for (int64_t i = 0; i < n; ++i) y[i] = a[i] > b[i] ? a[i] : b[i];
}

ADAQ_VECTORISE void accumulate(const float* x, int64_t n, double* sum) {
    for (int64_t i = 0; i < n; ++i) sum[i] += x[i];
}

ADAQ_VECTORISE void accumulate(const uint8_t* x, int64_t n, double* sum) {
    for (int64_t i = 0; i < n; ++i) sum[i] += x[i];
}

ADAQ_VECTORISE void accumulate(const float* x, int64_t n, float* sum) {
    for (int64_t i = 0; i < n; ++i) sum[i] += x[i];
}

/// sum += scale * (x - zero), in float32
ADAQ_VECTORISE void accumulate_values(const uint8_t* x, int zero, float scale, int64_t n, float* sum) {
    for (int64_t i = 0; i < n; ++i) sum[i] += scale * static_cast<float>(x[i] - zero);
}

ADAQ_VECTORISE void steps_of(const float* sum, float count, AveragePool::Steps steps, int64_t n, float* y) {
    const auto zero = static_cast<float>(steps.zero);
    for (int64_t i = 0; i < n; ++i) y[i] = sum[i] / count / steps.scale + zero;
}

/// y = factor * (sum - zeros)
ADAQ_VECTORISE void average(const double* sum, double zeros, float factor, int64_t n, float* y) {
    for (int64_t i = 0; i < n; ++i) y[i] = factor * static_cast<float>(sum[i] - zeros);
}

/// Of windows that slide over maps of values, or of codes.
template <typename Op>
class WindowPool : public CompiledOperation {
  public:
    WindowPool(const Program& program, const Op& op, const OperationSetting& setting)
        : op_(op),
          rows_(op.window.rows()),
          columns_(op.window.columns()),
          codes_(program.tensor(op.x).type.dtype == DType::u8),
          x_(program.shape(op.x)),
          y_(program.shape(op.y)),
          images_(setting.images),
          threads_(setting.threads) {}

  protected:
    Op op_;
    WindowAxis rows_, columns_;
    bool codes_;
    Shape x_, y_;
    int64_t images_;
    int threads_;
};

class CompiledMaxPool : public WindowPool<MaxPool> {
  public:
    using WindowPool::WindowPool;

    /// Of codes: a row of the map a thread.
    int64_t scratch_floats() const override { return codes_ ? (threads_ * x_[2] * x_[3] + 3) / 4 : 0; }

    void run(const View& view) override {
        float *x = view.at(op_.x), *y = view.at(op_.y);
        if (codes_)
            pool_codes(reinterpret_cast<const uint8_t*>(x), reinterpret_cast<uint8_t*>(view.scratch()),
                       reinterpret_cast<uint8_t*>(y));
        else
            pool(x, y);
    }

  private:
    /// The rows of a window first, then its columns: of codes the order does not matter.
    void pool_codes(const uint8_t* x, uint8_t* room, uint8_t* y) const {
        const int64_t rows = images_ * y_[1], row_codes = x_[2] * x_[3];
#pragma omp parallel for num_threads(threads_) schedule(static) if (threads_ > 1)
        for (int64_t part = 0; part < threads_; ++part) {
            for (int64_t i = rows * part / threads_; i < rows * (part + 1) / threads_; ++i) {
                const uint8_t* const image = x + i / y_[1] * x_[1] * row_codes;
                row_of_codes(image, i % y_[1], room + part * row_codes, y + i * y_[2] * y_[3]);
            }
        }
    }
    void row_of_codes(const uint8_t* image, int64_t p, uint8_t* room, uint8_t* out) const {
        const int64_t channels = x_[3], row_codes = x_[2] * channels, top = rows_.input(p, 0);
        const int64_t first = std::max<int64_t>(top, 0), last = std::min(top + rows_.kernel, x_[1]);
        const uint8_t* highest = image + first * row_codes;
        if (last - first > 1) {
            maximum_of(highest, highest + row_codes, row_codes, room);
            for (int64_t h = first + 2; h < last; ++h) maximum(image + h * row_codes, row_codes, room);
            highest = room;
        }
        for (int64_t q = 0; q < y_[2]; ++q, out += channels) {
            const int64_t left = columns_.input(q, 0);
            const int64_t from = std::max<int64_t>(left, 0), to = std::min(left + columns_.kernel, x_[2]);
            std::copy_n(highest + from * channels, channels, out);
            for (int64_t w = from + 1; w < to; ++w) maximum(highest + w * channels, channels, out);
        }
    }

    void pool(const float* x, float* y) const {
#pragma omp parallel for collapse(2) schedule(static)
        for (int64_t n = 0; n < images_; ++n) {
            for (int64_t p = 0; p < y_[1]; ++p)
                row(x + n * x_[1] * x_[2] * x_[3], p, y + (n * y_[1] + p) * y_[2] * y_[3]);
        }
    }
    void row(const float* image, int64_t p, float* out) const {
        const int64_t channels = x_[3], top = rows_.input(p, 0);
        std::fill_n(out, y_[2] * channels, -std::numeric_limits<float>::infinity());
        for (int64_t h = std::max<int64_t>(top, 0); h < std::min(top + rows_.kernel, x_[1]); ++h) {
            for (int64_t q = 0; q < y_[2]; ++q) {
                const int64_t left = columns_.input(q, 0);
                for (int64_t w = std::max<int64_t>(left, 0); w < std::min(left + columns_.kernel, x_[2]); ++w) {
                    maximum(image + (h * x_[2] + w) * channels, channels, out + q * channels);
                }
            }
        }
    }
};

class CompiledAveragePool : public WindowPool<AveragePool> {
  public:
    using WindowPool::WindowPool;

    /// A pixel's sums, float64, a thread.
    int64_t scratch_floats() const override { return int64_t{2} * threads_ * x_[3]; }

    void run(const View& view) override {
        auto* const sums = reinterpret_cast<double*>(view.scratch());
        if (op_.steps)
            pool(codes_at(view, op_.x), view.scratch(), view.at(op_.y));
        else if (codes_)
            pool(codes_at(view, op_.x), sums, view.at(op_.y));
        else
            pool(view.at(op_.x), sums, view.at(op_.y));
    }

  private:
    /// Sum: float where there are steps, else double.
    template <typename Element, typename Sum>
    void pool(const Element* x, Sum* sums, float* y) const {
        const int64_t rows = images_ * y_[1], row = y_[2] * y_[3], image = x_[1] * x_[2] * x_[3];
#pragma omp parallel for num_threads(threads_) schedule(static) if (threads_ > 1)
        for (int64_t part = 0; part < threads_; ++part) {
            for (int64_t i = rows * part / threads_; i < rows * (part + 1) / threads_; ++i)
                pool_row(x + i / y_[1] * image, i % y_[1], sums + part * x_[3], y + i * row);
        }
    }
    template <typename Element, typename Sum>
    void pool_row(const Element* image, int64_t p, Sum* sums, float* y) const {
        const int64_t channels = x_[3], top = rows_.first(p), bottom = rows_.last(p, x_[1]);
        for (int64_t q = 0; q < y_[2]; ++q, y += channels) {
            const int64_t left = columns_.first(q), right = columns_.last(q, x_[2]);
            std::fill_n(sums, channels, Sum{0});
            for (int64_t h = top; h < bottom; ++h)
                for (int64_t w = left; w < right; ++w) add(image + (h * x_[2] + w) * channels, sums);
            const int64_t inside = (bottom - top) * (right - left),
                          count = op_.counts_padding ? rows_.kernel * columns_.kernel : inside;
            finish(sums, inside, count, y);
        }
    }
    template <typename Element>
    void add(const Element* x, double* sums) const {
        accumulate(x, x_[3], sums);
    }
    void add(const uint8_t* x, float* sums) const { accumulate_values(x, op_.x_zero, op_.scale, x_[3], sums); }

    void finish(const double* sums, int64_t inside, int64_t count, float* y) const {
        average(sums, static_cast<double>(inside * op_.x_zero), op_.scale / static_cast<float>(count), x_[3], y);
    }
    void finish(const float* sums, int64_t /*inside*/, int64_t count, float* y) const {
        steps_of(sums, static_cast<float>(count), *op_.steps, x_[3], y);
    }
};

class CompiledGlobalAveragePool : public CompiledOperation {
  public:
    CompiledGlobalAveragePool(const Program& program, const GlobalAveragePool& op, int64_t images)
        : op_(op), x_(program.shape(op.x)), images_(images) {}

    void run(const View& view) override {
        const float* x = view.at(op_.x);
        float* y = view.at(op_.y);
        const int64_t positions = x_[1] * x_[2], channels = x_[3];
        if (op_.sum) return sums(x, positions, channels, y);
#pragma omp parallel for schedule(static)
        for (int64_t n = 0; n < images_; ++n) {
            float* sum = y + n * channels;
            std::fill_n(sum, channels, 0.0f);
            for (int64_t i = 0; i < positions; ++i) accumulate(x + (n * positions + i) * channels, channels, sum);
            for (int64_t c = 0; c < channels; ++c) sum[c] = op_.scale * (sum[c] / static_cast<float>(positions));
        }
    }

  private:
    /// Of codes: exact, and rounded once.
    void sums(const float* x, int64_t positions, int64_t channels, float* y) const {
#pragma omp parallel for schedule(static)
        for (int64_t n = 0; n < images_; ++n) {
            std::vector<double> sum(static_cast<size_t>(channels));
            for (int64_t i = 0; i < positions; ++i)
                accumulate(x + (n * positions + i) * channels, channels, sum.data());
            for (int64_t c = 0; c < channels; ++c)
                y[n * channels + c] = op_.scale * static_cast<float>(sum[static_cast<size_t>(c)]);
        }
    }

    GlobalAveragePool op_;
    Shape x_;
    int64_t images_;
};

}  // namespace

std::unique_ptr<CompiledOperation> compile_operation(const Program& program, const MaxPool& op,
                                                     const OperationSetting& setting) {
    return std::make_unique<CompiledMaxPool>(program, op, setting);
}

std::unique_ptr<CompiledOperation> compile_operation(const Program& program, const AveragePool& op,
                                                     const OperationSetting& setting) {
    return std::make_unique<CompiledAveragePool>(program, op, setting);
}

std::unique_ptr<CompiledOperation> compile_operation(const Program& program, const GlobalAveragePool& op,
                                                     const OperationSetting& setting) {
    return std::make_unique<CompiledGlobalAveragePool>(program, op, setting.images);
}

}  // namespace adaq::cpu
