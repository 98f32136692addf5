// Batch norm with the batch's statistics (docs/arithmetic.md section 3, --bn batch), both ways, and with fixed ones.
#include <cmath>

#include "kernels/reference/interpreter.h"

namespace adaq::reference {

void Interpreter::operator()(const BatchNorm& op) {
    const int64_t channels = shape(op.x).back(), rows = count(op.x) / channels;
    const double* x = at(op.x);
    double* y = at(op.y);
    for (int64_t c = 0; c < channels; ++c) {
        double &running_mean = at(op.running_mean)[c], &running_variance = at(op.running_variance)[c];
        double mean = running_mean, variance = running_variance;
        if (!op.fixed) {
            double sum = 0, squares = 0;
            for (int64_t i = 0; i < rows; ++i) sum += x[i * channels + c];
            mean = sum / static_cast<double>(rows);
            for (int64_t i = 0; i < rows; ++i) squares += (x[i * channels + c] - mean) * (x[i * channels + c] - mean);
            variance = squares / static_cast<double>(rows);
            running_mean += op.momentum * (mean - running_mean);
            running_variance += op.momentum * (squares / static_cast<double>(rows - 1) - running_variance);
        }
        const double inverse_std = 1.0 / std::sqrt(variance + op.epsilon);
        at(op.mean)[c] = mean;
        at(op.inverse_std)[c] = inverse_std;
        for (int64_t i = 0; i < rows; ++i)
            y[i * channels + c] = at(op.gamma)[c] * (x[i * channels + c] - mean) * inverse_std + at(op.beta)[c];
    }
    finish(op.y, op.epilogue);
}

/// dx = gamma * inverse_std * (dy - mean(dy) - x-hat * mean(dy * x-hat)), x-hat = (x - mean) * inverse_std.
void Interpreter::operator()(const BatchNormGradient& op) {
    const int64_t channels = shape(op.x).back(), rows = count(op.x) / channels;
    const double *x = at(op.x), *dy = at(op.dy);
    double* dx = at(op.dx);
    for (int64_t c = 0; c < channels; ++c) {
        const double mean = at(op.mean)[c], inverse_std = at(op.inverse_std)[c];
        double sum = 0, product = 0;
        for (int64_t i = 0; i < rows; ++i) {
            sum += dy[i * channels + c];
            product += dy[i * channels + c] * (x[i * channels + c] - mean) * inverse_std;
        }
        sum /= static_cast<double>(rows);
        product /= static_cast<double>(rows);
        for (int64_t i = 0; i < rows; ++i) {
            const double normalised = (x[i * channels + c] - mean) * inverse_std;
            dx[i * channels + c] = at(op.gamma)[c] * inverse_std * (dy[i * channels + c] - sum - normalised * product);
        }
    }
}

}  // namespace adaq::reference
