// The fully connected layer in three directions by its definition.
#include <algorithm>

#include "kernels/reference/interpreter.h"

namespace adaq::reference {

namespace {

/// y[rows][columns]: of every element the sum of so many terms, term(row, column, i).
template <typename Term>
void add_up(int64_t rows, int64_t columns, int64_t terms, double* y, const Term& term) {
    for (int64_t row = 0; row < rows; ++row) {
        for (int64_t column = 0; column < columns; ++column) {
            double sum = 0;
            for (int64_t i = 0; i < terms; ++i) sum += term(row, column, i);
            y[row * columns + column] = sum;
        }
    }
}

}  // namespace

void Interpreter::operator()(const Linear& op) {
    const int64_t inputs = shape(op.w)[1], outputs = shape(op.w)[0];
    const double *x = at(op.x), *w = at(op.w);
    add_up(shape(op.x)[0], outputs, inputs, at(op.y),
           [&](int64_t n, int64_t k, int64_t c) { return x[n * inputs + c] * w[k * inputs + c]; });
    finish(op.y, op.epilogue);
}

void Interpreter::operator()(const LinearToData& op) {
    const int64_t inputs = shape(op.w)[1], outputs = shape(op.w)[0];
    const double *dy = at(op.dy), *w = at(op.w);
    add_up(shape(op.dx)[0], inputs, outputs, at(op.dx),
           [&](int64_t n, int64_t c, int64_t k) { return dy[n * outputs + k] * w[k * inputs + c]; });
    pass_back(op.dx, op.addend, op.activation.value_or(ActivationGradient{}));
}

void Interpreter::operator()(const LinearToWeights& op) {
    const int64_t inputs = shape(op.dw)[1], outputs = shape(op.dw)[0];
    const double *x = at(op.x), *dy = at(op.dy);
    add_up(outputs, inputs, shape(op.x)[0], at(op.dw),
           [&](int64_t k, int64_t c, int64_t n) { return dy[n * outputs + k] * x[n * inputs + c]; });
}

}  // namespace adaq::reference
