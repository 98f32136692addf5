// KL(softmax(target / T) || softmax(logits / T)) and its gradient to the logits: (softmax(logits / T) - softmax(target
// / T)) / T (docs/arithmetic.md section 8).
#include <algorithm>
#include <cmath>

#include "kernels/reference/interpreter.h"

namespace adaq::reference {
namespace {

std::vector<double> log_softmax(const double* x, int64_t classes, double temperature) {
    std::vector<double> result(x, x + classes);
    const double largest = *std::max_element(x, x + classes);
    double sum = 0;
    for (double& value : result) sum += std::exp(value = (value - largest) / temperature);
    for (double& value : result) value -= std::log(sum);
    return result;
}

}  // namespace

void Interpreter::operator()(const KlDivergence& op) {
    const int64_t rows = shape(op.logits)[0], classes = shape(op.logits)[1];
    double sum = 0.0;
    for (int64_t n = 0; n < rows; ++n) {
        const auto ours = log_softmax(at(op.logits) + n * classes, classes, op.temperature);
        const auto wanted = log_softmax(at(op.target) + row_of(op.indices, n) * classes, classes, op.temperature);
        for (size_t c = 0; c < ours.size(); ++c) {
            const double probability = std::exp(wanted[c]);
            sum += probability * (wanted[c] - ours[c]);
            at(op.dlogits)[n * classes + static_cast<int64_t>(c)] =
                op.factor * (std::exp(ours[c]) - probability) / op.temperature;
        }
    }
    *at(op.loss) = op.factor * sum;
}

}  // namespace adaq::reference
