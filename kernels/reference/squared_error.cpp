// The reconstruction loss: |y - target|^p, weighted, with its gradient.
#include <cmath>

#include "kernels/reference/interpreter.h"

namespace adaq::reference {

void Interpreter::operator()(const SquaredError& op) {
    const int64_t row = count(op.y) / shape(op.y)[0];
    double sum = 0.0;
    for (int64_t i = 0; i < count(op.y); ++i) {
        const int64_t j = row_of(op.indices, i / row) * row + i % row;
        const double error = at(op.y)[i] - at(op.target)[j], size = std::fabs(error);
        const double weight = op.factor * (op.weight == kNone ? 1.0 : at(op.weight)[j]);
        sum += weight * std::pow(size, op.exponent);
        const double slope = size == 0.0 ? 0.0 : std::copysign(std::pow(size, op.exponent - 1.0), error);
        at(op.dy)[i] = weight * op.exponent * slope;
    }
    *at(op.loss) = sum;
}

}  // namespace adaq::reference
