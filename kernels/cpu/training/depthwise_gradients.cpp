// A depthwise convolution's gradients. That to data filters dy: where the stride is not 1, pixels of one remainder see
// the same taps, and each remainder's columns are a row of their own. That to weights adds up chunks of rows, of which
// there are as many as the layer's size says, so that sums are the same on any number of threads.
#include "kernels/cpu/training/convolution_gradients.h"

#include <algorithm>

#include "kernels/cpu/depthwise.h"
#include "kernels/cpu/training/activation.h"

namespace adaq::cpu {
namespace {

/// Columns of dx with one remainder by the stride, and the taps that they see.
struct Remainder {
    int64_t first, positions;
    std::vector<TapColumn> columns;
};

std::vector<Remainder> remainders_of(const WindowAxis& axis, int64_t width, int64_t channels) {
    std::vector<Remainder> all;
    for (int64_t first = 0; first < std::min<int64_t>(axis.stride, width); ++first) {
        Remainder made{first, (width - first + axis.stride - 1) / axis.stride, {}};
        for (int64_t s = 0; s < axis.kernel; ++s) {
            const int64_t at = first - axis.input(0, s);  // q * stride of the window that has it at tap s
            if (at % axis.stride == 0) made.columns.emplace_back(s, at / axis.stride, channels);
        }
        all.push_back(std::move(made));
    }
    return all;
}

class CompiledDepthwiseToData : public CompiledOperation {
  public:
    CompiledDepthwiseToData(const Program& program, const ConvolutionToData& op, const TrainingSetting& setting)
        : op_(op),
          x_(program.shape(op.dx)),
          y_(program.shape(op.dy)),
          threads_(setting.threads),
          rows_(op.window.rows(program.shape(op.w)[1])),
          kind_(map_rows(y_, setting.math == Math::bf16, program.is_bf16(op.dy), rows_.reach())),
          dx_half_(program.is_bf16(op.dx)),
          weights_(program.shape(op.w), setting.math == Math::bf16),
          columns_(program.shape(op.w)[2]),
          remainders_(remainders_of(op.window.columns(columns_), x_[2], x_[3])),
          neutral_(2 * x_[3]) {
        std::fill_n(neutral_.data(), x_[3], 1.0f);
        std::fill_n(neutral_.data() + x_[3], x_[3], -0.0f);
    }

    void refresh(const View& view) override { weights_.refresh(view.version(op_.w), view.at(op_.w)); }
    int64_t scratch_floats() const override {
        return threads_ * kind_.room_floats() + (dx_half_ ? element_count(x_) : 0);
    }

    void run(const View& view) override {
        float* const sums = dx_half_ ? view.scratch() + threads_ * kind_.room_floats() : view.at(op_.dx);
        const int64_t rows = x_[0] * x_[1];
#pragma omp parallel for num_threads(threads_) schedule(static) if (threads_ > 1)
        for (int64_t part = 0; part < threads_; ++part) {
            MapRows dy(kind_, view.at(op_.dy), view.scratch() + part * kind_.room_floats());
            for (int64_t i = rows * part / threads_; i < rows * (part + 1) / threads_; ++i)
                run_row(dy, i, sums + i * x_[2] * x_[3]);
        }
        finish_gradient(op_, view, element_count(x_), sums);
    }

  private:
    void run_row(MapRows& dy, int64_t i, float* dx) const {
        const int64_t image = i / x_[1], h = i % x_[1];
        FilterRow row{};
        row.channels = x_[3];
        row.width = y_[2];
        row.step = 1;
        row.y_step = op_.window.stride_w * x_[3];
        row.scale = neutral_.data();
        row.shift = neutral_.data() + x_[3];
        for (int64_t r = 0; r < rows_.kernel; ++r) {
            const int64_t at = h - rows_.input(0, r);
            if (at < 0 || at % rows_.stride != 0 || at / rows_.stride >= y_[1]) continue;
            row.rows[row.count] = dy(image * y_[1] + at / rows_.stride);
            row.weights[row.count++] = weights_.tap(r * columns_);
        }
        const int64_t next = h + 1 + rows_.before;  // of the first tap of the next row
        const bool is_new = !kind_.rounded && next % rows_.stride == 0 && next / rows_.stride < y_[1];
        row.next = is_new ? dy(image * y_[1] + next / rows_.stride) : nullptr;
        row.next_rows = is_new ? 1 : 0;
        for (const Remainder& remainder : remainders_) {
            row.columns = &remainder.columns;
            row.positions = remainder.positions;
            row.y = dx + remainder.first * x_[3];
            filter_row(row);
            row.next_rows = 0;
        }
    }

    ConvolutionToData op_;
    Shape x_, y_;
    int threads_;
    WindowAxis rows_;
    MapRows::Kind kind_;
    bool dx_half_;  // dx is stored as bf16: sums lie elsewhere
    DepthwiseWeights weights_;
    int64_t columns_;  // S
    std::vector<Remainder> remainders_;
    AlignedFloats neutral_;
};

class CompiledDepthwiseToWeights : public CompiledOperation {
  public:
    CompiledDepthwiseToWeights(const Program& program, const ConvolutionToWeights& op, const TrainingSetting& setting)
        : op_(op),
          x_(program.shape(op.x)),
          y_(program.shape(op.dy)),
          w_(program.shape(op.dw)),
          threads_(setting.threads),
          rows_(op.window.rows(w_[1])),
          x_kind_(map_rows(x_, setting.math == Math::bf16, program.is_bf16(op.x), rows_.reach())),
          dy_kind_(map_rows(y_, setting.math == Math::bf16, program.is_bf16(op.dy), 1)),
          of_chunk_((y_[0] * y_[1] + kMostChunks - 1) / kMostChunks),
          chunks_((y_[0] * y_[1] + of_chunk_ - 1) / of_chunk_) {
        const WindowAxis axis = op.window.columns(w_[2]);
        for (int64_t s = 0; s < axis.kernel; ++s) columns_.emplace_back(s, axis.input(0, s), x_[3]);
    }

    int64_t scratch_floats() const override { return threads_ * room_floats() + chunks_ * element_count(w_); }

    void run(const View& view) override {
        float* const sums = view.scratch() + threads_ * room_floats();
        std::fill_n(sums, chunks_ * element_count(w_), 0.0f);
#pragma omp parallel for num_threads(threads_) schedule(static) if (threads_ > 1)
        for (int64_t part = 0; part < threads_; ++part) {
            float* const room = view.scratch() + part * room_floats();
            MapRows x(x_kind_, view.at(op_.x), room), dy(dy_kind_, view.at(op_.dy), room + x_kind_.room_floats());
            for (int64_t chunk = chunks_ * part / threads_; chunk < chunks_ * (part + 1) / threads_; ++chunk)
                run_chunk(view.at(op_.x), x, dy, chunk, sums + chunk * element_count(w_));
        }
        add_up(sums, view.at(op_.dw));
    }

  private:
    static constexpr int64_t kMostChunks = 64;

    int64_t room_floats() const { return x_kind_.room_floats() + dy_kind_.room_floats(); }

    /// sums [R][S][C]
    void run_chunk(const float* map, MapRows& x, MapRows& dy, int64_t chunk, float* sums) const {
        ProductRow row{};
        row.channels = x_[3];
        row.columns = &columns_;
        row.width = x_[2];
        row.step = op_.window.stride_w;
        row.positions = y_[2];
        for (int64_t i = chunk * of_chunk_; i < std::min((chunk + 1) * of_chunk_, y_[0] * y_[1]); ++i) {
            const int64_t image = i / y_[1], p = i % y_[1];
            row.dy = dy(i);
            const int64_t next = rows_.input(p, rows_.kernel - 1) + 1;
            row.next_rows = !x_kind_.rounded && next > 0 && next + rows_.stride <= x_[1] ? rows_.stride : 0;
            row.next = map + (image * x_[1] + next) * x_[2] * x_[3];
            for (int64_t r = 0; r < rows_.kernel; ++r) {
                const int64_t h = rows_.input(p, r);
                if (h < 0 || h >= x_[1]) continue;
                row.x = x(image * x_[1] + h);
                row.dw = sums + r * w_[2] * w_[0];
                add_products(row);
                row.next_rows = 0;
            }
        }
    }
    void add_up(const float* sums, float* dw) const {
        const int64_t taps = w_[1] * w_[2], channels = w_[0];
#pragma omp parallel for num_threads(threads_) schedule(static) if (threads_ > 1)
        for (int64_t tap = 0; tap < taps; ++tap) {
            std::vector<double> total(static_cast<size_t>(channels));
            for (int64_t chunk = 0; chunk < chunks_; ++chunk)
                add_to(sums + (chunk * taps + tap) * channels, channels, total.data());
            for (int64_t c = 0; c < channels; ++c)
                dw[c * taps + tap] = static_cast<float>(total[static_cast<size_t>(c)]);
        }
    }

    ConvolutionToWeights op_;
    Shape x_, y_, w_;
    int threads_;
    WindowAxis rows_;
    MapRows::Kind x_kind_, dy_kind_;
    int64_t of_chunk_, chunks_;  // rows of y in all images
    std::vector<TapColumn> columns_;
};

}  // namespace

std::unique_ptr<CompiledOperation> compile_depthwise(const Program& program, const ConvolutionToData& op,
                                                     const TrainingSetting& setting) {
    return is_depthwise(op.window, program.shape(op.w))
               ? std::make_unique<CompiledDepthwiseToData>(program, op, setting)
               : nullptr;
}

std::unique_ptr<CompiledOperation> compile_depthwise(const Program& program, const ConvolutionToWeights& op,
                                                     const TrainingSetting& setting) {
    return is_depthwise(op.window, program.shape(op.dw))
               ? std::make_unique<CompiledDepthwiseToWeights>(program, op, setting)
               : nullptr;
}

}  // namespace adaq::cpu
