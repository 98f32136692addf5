// Gradients of pooling. An image's windows overlap, so a thread takes whole images.
#include <algorithm>

#include "kernels/cpu/training/compiled_operations.h"
#include "kernels/cpu/training/pieces.h"
#include "kernels/cpu/vectorise.h"

namespace adaq::cpu {
namespace {

/// Of each channel the larger of best and one pixel's x, and which pixel has it.
ADAQ_VECTORISE void keep_larger(const float* x, int32_t pixel, int64_t channels, float* best, int32_t* place) {
#pragma GCC ivdep
    for (int64_t c = 0; c < channels; ++c) {
        const float value = x[c], before = best[c];
        const int32_t there = place[c];
        const bool better = value > before;
        best[c] = better ? value : before;
        place[c] = better ? pixel : there;
    }
}

class CompiledMaxPoolGradient : public CompiledOperation {
  public:
    CompiledMaxPoolGradient(const Program& program, const MaxPoolGradient& op)
        : op_(op),
          rows_(op.window.rows()),
          columns_(op.window.columns()),
          x_(program.shape(op.x)),
          y_(program.shape(op.dy)) {}

    void run(const View& view) override {
        const int64_t in = x_[1] * x_[2] * x_[3], out = y_[1] * y_[2] * y_[3];
#pragma omp parallel for schedule(static)
        for (int64_t n = 0; n < x_[0]; ++n)
            image(view.at(op_.x) + n * in, view.at(op_.dy) + n * out, view.at(op_.dx) + n * in);
    }

  private:
    void image(const float* x, const float* dy, float* dx) const {
        const int64_t channels = x_[3];
        std::fill_n(dx, x_[1] * x_[2] * channels, 0.0f);
        std::vector<float> best(channels);
        std::vector<int32_t> place(best.size());  // pixels of a map
        for (int64_t p = 0; p < y_[1]; ++p) {
            for (int64_t q = 0; q < y_[2]; ++q) {
                first_maxima(x, rows_.input(p, 0), columns_.input(q, 0), best.data(), place.data());
                const float* gradient = dy + (p * y_[2] + q) * channels;
                for (int64_t c = 0; c < channels; ++c) dx[int64_t{place[c]} * channels + c] += gradient[c];
            }
        }
    }
    /// Of the window at (top, left): the first maximum of each channel and its pixel.
    void first_maxima(const float* x, int64_t top, int64_t left, float* best, int32_t* place) const {
        const int64_t channels = x_[3];
        bool first = true;
        for (int64_t h = std::max<int64_t>(top, 0); h < std::min(top + rows_.kernel, x_[1]); ++h) {
            for (int64_t w = std::max<int64_t>(left, 0); w < std::min(left + columns_.kernel, x_[2]); ++w) {
                const auto pixel = static_cast<int32_t>(h * x_[2] + w);
                if (first) {
                    std::copy_n(x + pixel * channels, channels, best);
                    std::fill_n(place, channels, pixel);
                } else {
                    keep_larger(x + pixel * channels, pixel, channels, best, place);
                }
                first = false;
            }
        }
    }

    MaxPoolGradient op_;
    WindowAxis rows_, columns_;
    Shape x_, y_;
};

ADAQ_VECTORISE void add_scaled(const float* x, float factor, int64_t n, float* sum) {
    for (int64_t i = 0; i < n; ++i) sum[i] += factor * x[i];
}

class CompiledAveragePoolGradient : public CompiledOperation {
  public:
    CompiledAveragePoolGradient(const Program& program, const AveragePoolGradient& op)
        : op_(op),
          rows_(op.window.rows()),
          columns_(op.window.columns()),
          x_(program.shape(op.dx)),
          y_(program.shape(op.dy)) {}

    void run(const View& view) override {
        const int64_t in = x_[1] * x_[2] * x_[3], out = y_[1] * y_[2] * y_[3];
#pragma omp parallel for schedule(static)
        for (int64_t n = 0; n < x_[0]; ++n) image(view.at(op_.dy) + n * out, view.at(op_.dx) + n * in);
    }

  private:
    void image(const float* dy, float* dx) const {
        const int64_t channels = x_[3];
        std::fill_n(dx, x_[1] * x_[2] * channels, 0.0f);
        for (int64_t i = 0; i < y_[1] * y_[2]; ++i) {
            const int64_t top = rows_.first(i / y_[2]), bottom = rows_.last(i / y_[2], x_[1]),
                          left = columns_.first(i % y_[2]), right = columns_.last(i % y_[2], x_[2]);
            const int64_t count = op_.counts_padding ? rows_.kernel * columns_.kernel : (bottom - top) * (right - left);
            const float factor = op_.scale / static_cast<float>(count);
            for (int64_t h = top; h < bottom; ++h)
                for (int64_t w = left; w < right; ++w)
                    add_scaled(dy + i * channels, factor, channels, dx + (h * x_[2] + w) * channels);
        }
    }

    AveragePoolGradient op_;
    WindowAxis rows_, columns_;
    Shape x_, y_;
};

class CompiledGlobalAveragePoolGradient : public CompiledOperation {
  public:
    CompiledGlobalAveragePoolGradient(const Program& program, const GlobalAveragePoolGradient& op)
        : op_(op), x_(program.shape(op.dx)) {}

    void run(const View& view) override {
        const int64_t positions = x_[1] * x_[2], channels = x_[3];
        const float factor = op_.scale / static_cast<float>(positions);
#pragma omp parallel for schedule(static)
        for (int64_t pixel = 0; pixel < x_[0] * positions; ++pixel) {
            const float* dy = view.at(op_.dy) + pixel / positions * channels;
            float* dx = view.at(op_.dx) + pixel * channels;
            for (int64_t c = 0; c < channels; ++c) dx[c] = factor * dy[c];
        }
    }

  private:
    GlobalAveragePoolGradient op_;
    Shape x_;
};

}  // namespace

std::unique_ptr<CompiledOperation> compile_for_training(const Program& program, const MaxPoolGradient& op,
                                                        const TrainingSetting&) {
    return std::make_unique<CompiledMaxPoolGradient>(program, op);
}

std::unique_ptr<CompiledOperation> compile_for_training(const Program& program, const AveragePoolGradient& op,
                                                        const TrainingSetting&) {
    return std::make_unique<CompiledAveragePoolGradient>(program, op);
}

std::unique_ptr<CompiledOperation> compile_for_training(const Program& program, const GlobalAveragePoolGradient& op,
                                                        const TrainingSetting&) {
    return std::make_unique<CompiledGlobalAveragePoolGradient>(program, op);
}

}  // namespace adaq::cpu
