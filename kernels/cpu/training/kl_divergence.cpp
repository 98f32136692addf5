// The prediction difference (docs/arithmetic.md section 8): a few rows of logits, in double.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "kernels/cpu/training/compiled_operations.h"

namespace adaq::cpu {
namespace {

std::vector<double> log_softmax(const float* x, int64_t classes, double temperature) {
    std::vector<double> result(x, x + classes);
    const double largest = *std::max_element(x, x + classes);
    double sum = 0;
    for (double& value : result) sum += std::exp(value = (value - largest) / temperature);
    const double log_sum = std::log(sum);
    for (double& value : result) value -= log_sum;
    return result;
}

class CompiledKlDivergence : public CompiledOperation {
  public:
    CompiledKlDivergence(const Program& program, const KlDivergence& op)
        : op_(op), rows_(program.shape(op.logits)[0]), classes_(program.shape(op.logits)[1]) {}

    void run(const View& view) override {
        std::vector<double> sums(rows_);
#pragma omp parallel for schedule(static)
        for (int64_t n = 0; n < rows_; ++n) sums[n] = run_row(view, n);
        *view.at(op_.loss) = static_cast<float>(op_.factor * std::accumulate(sums.begin(), sums.end(), 0.0));
    }

  private:
    double run_row(const View& view, int64_t n) const {
        const int64_t row = op_.indices == kNone ? n : static_cast<int64_t>(view.at(op_.indices)[n]);
        const auto ours = log_softmax(view.at(op_.logits) + n * classes_, classes_, op_.temperature);
        const auto wanted = log_softmax(view.at(op_.target) + row * classes_, classes_, op_.temperature);
        float* gradient = view.at(op_.dlogits) + n * classes_;
        double sum = 0.0;
        for (size_t c = 0; c < ours.size(); ++c) {
            const double probability = std::exp(wanted[c]);
            sum += probability * (wanted[c] - ours[c]);
            gradient[c] = static_cast<float>(op_.factor * (std::exp(ours[c]) - probability) / op_.temperature);
        }
        return sum;
    }

    KlDivergence op_;
    int64_t rows_, classes_;
};

}  // namespace

std::unique_ptr<CompiledOperation> compile_for_training(const Program& program, const KlDivergence& op,
                                                        const TrainingSetting&) {
    return std::make_unique<CompiledKlDivergence>(program, op);
}

}  // namespace adaq::cpu
