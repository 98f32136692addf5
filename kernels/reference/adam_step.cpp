// Adam with a floor (docs/arithmetic.md section 6: a scale never falls below 1e-8).
#include <algorithm>

#include "kernels/reference/adam.h"
#include "kernels/reference/interpreter.h"

namespace adaq::reference {

void Interpreter::operator()(const AdamStep& op) {
    const double* state = at(op.state);
    for (int64_t i = 0; i < count(op.x); ++i) {
        double& x = at(op.x)[i];
        x -= adam(at(op.gradient)[i], state[op.rate], state, at(op.first_moment)[i], at(op.second_moment)[i]);
        x = std::max(x, static_cast<double>(op.minimum));
    }
}

}  // namespace adaq::reference
