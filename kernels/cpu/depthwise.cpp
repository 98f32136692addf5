// Depthwise convolution, with the epilogue's scale, shift and activation in its loops; a residual and a quantiser
// follow in one pass over what is still in the cache.
#include "kernels/cpu/depthwise.h"

#include <algorithm>

#include "kernels/cpu/pointwise.h"
#include "kernels/cpu/target.h"

namespace adaq::cpu {
namespace {

class CompiledDepthwise : public CompiledOperation {
  public:
    CompiledDepthwise(const Program& program, const Convolution& op, const OperationSetting& setting)
        : op_(op),
          x_(program.shape(op.x)),
          y_(program.shape(op.y)),
          images_(setting.images),
          threads_(setting.threads),
          rows_(op.window.rows(program.shape(op.w)[1])),
          kind_(map_rows(x_, setting.math == Math::bf16, program.is_bf16(op.x), rows_.reach())),
          y_half_(program.is_bf16(op.y)),
          complete_(op.epilogue.residual == kNone && !op.epilogue.quantiser),
          apart_(!complete_ && (y_half_ || setting.in_place)),
          weights_(program.shape(op.w), setting.math == Math::bf16),
          neutral_(2 * y_[3]) {
        const WindowAxis axis = op.window.columns(program.shape(op.w)[2]);
        for (int64_t s = 0; s < axis.kernel; ++s) columns_.emplace_back(s, axis.input(0, s), y_[3]);
        std::fill_n(neutral_.data(), y_[3], 1.0f);
        std::fill_n(neutral_.data() + y_[3], y_[3], -0.0f);  // v + -0 is v, of either zero, too
    }

    void refresh(const View& view) override { weights_.refresh(view.version(op_.w), view.at(op_.w)); }
    int64_t scratch_floats() const override { return threads_ * room_floats() + (apart_ ? count() : 0); }

    void run(const View& view) override {
        float* const sums = apart_ ? view.scratch() + threads_ * room_floats() : nullptr;
        const Target y = sums ? Target(sums) : view.target(op_.y);
        const int64_t rows = images_ * y_[1];
#pragma omp parallel for num_threads(threads_) schedule(static) if (threads_ > 1)
        for (int64_t part = 0; part < threads_; ++part)
            run_rows(view, rows * part / threads_, rows * (part + 1) / threads_, view.scratch() + part * room_floats(),
                     y);
        if (!complete_) finish_epilogue(op_.epilogue, view, count(), y.values(), view.target(op_.y));
    }

  private:
    int64_t row_elements() const { return y_[2] * y_[3]; }
    int64_t count() const { return images_ * y_[1] * row_elements(); }
    /// Of a thread: rounded rows of x, and a row of y that is yet to be rounded.
    int64_t room_floats() const { return kind_.room_floats() + (y_half_ ? (row_elements() + 15) / 16 * 16 : 0); }

    /// Of y's rows in all images those from first to last.
    void run_rows(const View& view, int64_t first, int64_t last, float* room, Target y) const {
        const Epilogue& e = op_.epilogue;
        MapRows x(kind_, view.at(op_.x), room);
        FilterRow row{};
        row.channels = y_[3];
        row.columns = &columns_;
        row.width = x_[2];
        row.step = op_.window.stride_w;
        row.positions = y_[2];
        row.y_step = y_[3];
        row.scale = e.scale == kNone ? neutral_.data() : view.at(e.scale);
        row.shift = e.shift == kNone ? neutral_.data() + y_[3] : view.at(e.shift);
        row.activation = complete_ ? e.activation : Activation::none();
        for (int64_t i = first; i < last; ++i) {
            const int64_t image = i / y_[1], p = i % y_[1];
            row.count = 0;
            for (int64_t r = 0; r < rows_.kernel; ++r) {
                const int64_t h = rows_.input(p, r);
                if (h < 0 || h >= x_[1]) continue;
                row.rows[row.count] = x(image * x_[1] + h);
                row.weights[row.count++] = weights_.tap(r * static_cast<int64_t>(columns_.size()));
            }
            const int64_t next = rows_.input(p, rows_.kernel - 1) + 1;
            row.next_rows = !kind_.rounded && next > 0 && next + rows_.stride <= x_[1] ? rows_.stride : 0;
            row.next = view.at(op_.x) + (image * x_[1] + next) * x_[2] * x_[3];
            const Target to = y + i * row_elements();
            row.y = to.values() ? to.values() : room + kind_.room_floats();
            filter_row(row);
            if (to.rounded()) round_row_to_bf16(row.y, row_elements(), to.rounded());
        }
    }

    Convolution op_;
    Shape x_, y_;
    int64_t images_;
    int threads_;
    WindowAxis rows_;
    MapRows::Kind kind_;
    bool y_half_, complete_;  // complete: no pass remains to be done
    bool apart_;              // sums lie elsewhere: y is stored as bf16, or holds the residual until they are there
    DepthwiseWeights weights_;
    std::vector<TapColumn> columns_;
    AlignedFloats neutral_;  // a scale and a shift that change nothing
};

}  // namespace

std::unique_ptr<CompiledOperation> compile_depthwise(const Program& program, const Convolution& op,
                                                     const OperationSetting& setting) {
    return is_depthwise(op.window, program.shape(op.w)) ? std::make_unique<CompiledDepthwise>(program, op, setting)
                                                        : nullptr;
}

}  // namespace adaq::cpu
