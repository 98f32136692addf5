// The reconstruction loss and its gradient in one pass: output and target read (rows of the target straight from its
// cache), gradient written, 12 bytes an element.
#include <cmath>

#include "kernels/cpu/training/compiled_operations.h"
#include "kernels/cpu/training/pieces.h"
#include "kernels/cpu/training/vector_math.h"
#include "kernels/cpu/vectorise.h"

namespace adaq::cpu {
namespace {

/// term[i] = |y - target|^p, dy = factor * p * |y - target|^(p-1) * sign; p = 2.
ADAQ_VECTORISE void squares(const float* y, const float* target, float factor, int64_t n, float* dy, float* term) {
    for (int64_t i = 0; i < n; ++i) {
        const float error = y[i] - target[i];
        term[i] = error * error;
        dy[i] = factor * 2.0f * error;
    }
}

ADAQ_VECTORISE void powers(const float* y, const float* target, float factor, float exponent, int64_t n, float* dy,
                           float* term) {
    for (int64_t i = 0; i < n; ++i) {
        const float error = y[i] - target[i], size = std::fabs(error);
        const float power = fast_power(size, exponent - 1.0f);
        term[i] = power * size;
        dy[i] = factor * exponent * (error > 0.0f ? power : error < 0.0f ? -power : 0.0f);
        // What is not finite stays so: fast_power clamps.
        const bool finite = size <= 3.4028235e38f;
        term[i] = finite ? term[i] : size;
    }
}

ADAQ_VECTORISE void weigh(const float* weight, int64_t n, float* dy, float* term) {
    for (int64_t i = 0; i < n; ++i) {
        dy[i] *= weight[i];
        term[i] *= weight[i];
    }
}

class CompiledSquaredError : public CompiledOperation {
  public:
    CompiledSquaredError(const Program& program, const SquaredError& op)
        : op_(op), rows_(program.shape(op.y)[0]), row_(element_count(program.shape(op.y)) / rows_) {}

    void run(const View& view) override {
        const int64_t of_row = pieces_of(row_);
        std::vector<double> sums(rows_ * of_row);
#pragma omp parallel for schedule(static)
        for (int64_t piece = 0; piece < rows_ * of_row; ++piece) {
            const int64_t offset = piece % of_row * kPiece;
            sums[piece] = run_piece(view, piece / of_row, offset, std::min(kPiece, row_ - offset));
        }
        *view.at(op_.loss) = static_cast<float>(op_.factor * std::accumulate(sums.begin(), sums.end(), 0.0));
    }

  private:
    double run_piece(const View& view, int64_t i, int64_t offset, int64_t n) const {
        const int64_t j = op_.indices == kNone ? i : static_cast<int64_t>(view.at(op_.indices)[i]);
        const float *y = view.at(op_.y) + i * row_ + offset, *target = view.at(op_.target) + j * row_ + offset;
        TargetPiece<kPiece> piece(view.target(op_.dy) + (i * row_ + offset));
        float *const dy = piece.values(), term[kPiece];
        const auto factor = static_cast<float>(op_.factor);
        if (op_.exponent == 2.0)
            squares(y, target, factor, n, dy, term);
        else
            powers(y, target, factor, static_cast<float>(op_.exponent), n, dy, term);
        if (op_.weight != kNone) weigh(view.at(op_.weight) + j * row_ + offset, n, dy, term);
        piece.store(n);
        return sum_of(term, n);
    }

    SquaredError op_;
    int64_t rows_, row_;
};

}  // namespace

std::unique_ptr<CompiledOperation> compile_for_training(const Program& program, const SquaredError& op,
                                                        const TrainingSetting&) {
    return std::make_unique<CompiledSquaredError>(program, op);
}

}  // namespace adaq::cpu
