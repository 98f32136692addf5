// Addition with ReLU, quantisation of a whole tensor, and the way back through both.
#include <algorithm>

#include "kernels/reference/interpreter.h"

namespace adaq::reference {

void Interpreter::operator()(const Addition& op) {
    const double *a = at(op.a), *b = at(op.b);
    double* y = at(op.y);
    for (int64_t i = 0; i < count(op.y); ++i) y[i] = op.activation(op.a_scale * a[i] + op.b_scale * b[i]);
    if (op.saved != kNone) std::copy_n(y, count(op.y), at(op.saved));
    if (op.quantiser) quantise(op.y, *op.quantiser);
}

void Interpreter::operator()(const FakeQuantise& op) {
    if (op.x != op.y) std::copy_n(at(op.x), count(op.y), at(op.y));
    quantise(op.y, op.quantiser);
}

void Interpreter::operator()(const ActivationBackward& op) {
    if (op.dy != op.dx) std::copy_n(at(op.dy), count(op.dx), at(op.dx));
    pass_back(op.dx, op.addend, op.activation);
}

}  // namespace adaq::reference
