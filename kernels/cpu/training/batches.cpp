// Which images an iteration learns from, and their rows: a copy at memory speed, from float32 or bf16 caches.
#include <algorithm>

#include "engine/bf16.h"
#include "kernels/cpu/training/compiled_operations.h"
#include "kernels/cpu/training/masks.h"
#include "kernels/cpu/training/pieces.h"

namespace adaq::cpu {
namespace {

class CompiledDrawBatch : public CompiledOperation {
  public:
    CompiledDrawBatch(const Program& program, const DrawBatch& op) : op_(op), batch_(program.shape(op.indices)[0]) {}

    void run(const View& view) override {
        float* indices = view.at(op_.indices);
        const auto t = static_cast<uint32_t>(view.at(op_.state)[kIteration]);
        for (int64_t i = 0; i < batch_; ++i) {
            const int64_t last = op_.replacement ? op_.population - 1 : op_.population - batch_ + i;
            const auto drawn = static_cast<float>(
                random_below(op_.stream, t, static_cast<uint64_t>(i), static_cast<uint32_t>(last + 1)));
            const bool taken = !op_.replacement && std::find(indices, indices + i, drawn) != indices + i;
            indices[i] = taken ? static_cast<float>(last) : drawn;
        }
    }

  private:
    DrawBatch op_;
    int64_t batch_;
};

/// A tensor that is gathered from.
class Cache {
  public:
    Cache(TensorId tensor, bool half) : id_(tensor), half_(half) {}

    /// Elements [first, first + n), float32 or bf16, to a place of either.
    void copy(const View& view, int64_t first, int64_t n, Target y) const {
        if (half_)
            copy_halves(reinterpret_cast<const bf16*>(view.at(id_)) + first, n, y);
        else
            copy_values(view.at(id_) + first, n, y);
    }

  private:
    static void copy_halves(const bf16* x, int64_t n, Target y) {
        if (y.rounded())
            std::copy_n(x, n, y.rounded());
        else
            widen_row(x, n, y.values());
    }
    static void copy_values(const float* x, int64_t n, Target y) {
        if (y.rounded())
            round_row_to_bf16(x, n, y.rounded());
        else
            std::copy_n(x, n, y.values());
    }
    TensorId id_;
    bool half_;
};

class CompiledGather : public CompiledOperation {
  public:
    CompiledGather(const Program& program, const Gather& op)
        : op_(op),
          count_(element_count(program.shape(op.y))),
          row_(count_ / program.shape(op.y)[0]),
          x_(op.x, program.is_bf16(op.x)) {
        if (op.mixing) other_ = Cache{op.mixing->other, program.is_bf16(op.mixing->other)};
    }

    void run(const View& view) override {
        for_pieces(count_, [&](int64_t first, int64_t n) {
            const Target y = view.target(op_.y) + first;
            if (!op_.mixing) return copy_rows(view, x_, first, n, y);
            TargetPiece<kPiece> piece(y);
            mix(view, first, n, piece.values());
            piece.store(n);
        });
    }

  private:
    void mix(const View& view, int64_t first, int64_t n, float* y) const {
        copy_rows(view, x_, first, n, y);
        float kept[kPiece], others[kPiece];
        Mask(op_.mixing->stream, op_.mixing->keep, op_.mixing->state, view).fill(first, n, kept);
        copy_rows(view, *other_, first, n, others);
        choose(kept, y, others, n, y);
    }
    /// Elements [first, first + n) of the batch, which may begin and end within rows.
    void copy_rows(const View& view, const Cache& cache, int64_t first, int64_t n, Target y) const {
        for (int64_t done = 0; done < n;) {
            const int64_t i = (first + done) / row_, offset = (first + done) % row_;
            const int64_t j = op_.indices == kNone ? i : static_cast<int64_t>(view.at(op_.indices)[i]);
            const int64_t part = std::min(n - done, row_ - offset);
            cache.copy(view, j * row_ + offset, part, y + done);
            done += part;
        }
    }

    Gather op_;
    int64_t count_, row_;
    Cache x_;
    std::optional<Cache> other_;
};

}  // namespace

std::unique_ptr<CompiledOperation> compile_for_training(const Program& program, const DrawBatch& op,
                                                        const TrainingSetting&) {
    return std::make_unique<CompiledDrawBatch>(program, op);
}

std::unique_ptr<CompiledOperation> compile_for_training(const Program& program, const Gather& op,
                                                        const TrainingSetting&) {
    return std::make_unique<CompiledGather>(program, op);
}

}  // namespace adaq::cpu
