// The fully connected layer in three directions by its definition.
#include <algorithm>

#include "kernels/reference/interpreter.h"

namespace adaq::reference {

void Interpreter::operator()(const Linear& op) {
    const int64_t rows = shape(op.x)[0], inputs = shape(op.w)[1], outputs = shape(op.w)[0];
    const double *x = at(op.x), *w = at(op.w);
    double* y = at(op.y);
    for (int64_t n = 0; n < rows; ++n) {
        for (int64_t k = 0; k < outputs; ++k) {
            double sum = 0;
            for (int64_t c = 0; c < inputs; ++c) sum += x[n * inputs + c] * w[k * inputs + c];
            y[n * outputs + k] = sum;
        }
    }
    finish(op.y, op.epilogue);
}

void Interpreter::operator()(const LinearToData& op) {
    const int64_t rows = shape(op.dx)[0], inputs = shape(op.w)[1], outputs = shape(op.w)[0];
    const double *dy = at(op.dy), *w = at(op.w);
    double* dx = at(op.dx);
    for (int64_t n = 0; n < rows; ++n) {
        for (int64_t c = 0; c < inputs; ++c) {
            double sum = 0;
            for (int64_t k = 0; k < outputs; ++k) sum += dy[n * outputs + k] * w[k * inputs + c];
            dx[n * inputs + c] = sum;
        }
    }
    pass_back(op.dx, op.addend, op.activation.value_or(ActivationGradient{}));
}

void Interpreter::operator()(const LinearToWeights& op) {
    const int64_t rows = shape(op.x)[0], inputs = shape(op.dw)[1], outputs = shape(op.dw)[0];
    const double *x = at(op.x), *dy = at(op.dy);
    double* dw = at(op.dw);
    for (int64_t k = 0; k < outputs; ++k) {
        for (int64_t c = 0; c < inputs; ++c) {
            double sum = 0;
            for (int64_t n = 0; n < rows; ++n) sum += dy[n * outputs + k] * x[n * inputs + c];
            dw[k * inputs + c] = sum;
        }
    }
}

}  // namespace adaq::reference
