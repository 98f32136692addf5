// The distance of each image's statistics from a batch norm's, with its gradient (docs/arithmetic.md section 8).
#include <cmath>

#include "kernels/reference/interpreter.h"

namespace adaq::reference {

void Interpreter::operator()(const StatisticsLoss& op) {
    const Shape& s = shape(op.x);
    const int64_t positions = s[1] * s[2], channels = s[3];
    const auto count = static_cast<double>(positions);
    double loss = 0.0;
    for (int64_t n = 0; n < s[0]; ++n) {
        for (int64_t c = 0; c < channels; ++c) {
            const int64_t first = n * positions * channels + c;
            const double* x = at(op.x) + first;
            double sum = 0.0, squares = 0.0;
            for (int64_t i = 0; i < positions; ++i) sum += x[i * channels];
            const double mu = sum / count, mean_error = mu - at(op.mean)[c];
            for (int64_t i = 0; i < positions; ++i) squares += (x[i * channels] - mu) * (x[i * channels] - mu);
            loss += mean_error * mean_error;
            double slope = 0.0;  // of the deviation's term, by x - mu
            if (positions > 1) {
                const double sigma = std::sqrt(squares / (count - 1.0) + op.epsilon);
                const double sigma_error = sigma - std::sqrt(at(op.variance)[c] + op.epsilon);
                loss += sigma_error * sigma_error;
                slope = 2.0 * sigma_error / ((count - 1.0) * sigma);
            }
            const double by_norm = op.through ? at(op.through->gamma)[c] * at(op.through->inverse_std)[c] : 0.0;
            for (int64_t i = 0; i < positions; ++i) {
                double gradient = op.factor * (2.0 * mean_error / count + slope * (x[i * channels] - mu));
                if (op.through) gradient += by_norm * at(op.through->dy)[first + i * channels];
                at(op.dx)[first + i * channels] = gradient;
            }
        }
    }
    *at(op.loss) = op.factor * loss;
}

}  // namespace adaq::reference
