// Adam (arXiv 1412.6980) as PyTorch computes it: beta 0.9 and 0.999, epsilon 1e-8 outside the root.
#pragma once

#include <cmath>

#include "engine/program/operations.h"

namespace adaq::reference {

/// What is subtracted from the variable; moves the moments.
inline double adam(double gradient, double rate, const double* state, double& first, double& second) {
    first = 0.9 * first + 0.1 * gradient;
    second = 0.999 * second + 0.001 * gradient * gradient;
    return rate * state[kFirstCorrection] * first / (std::sqrt(second) * state[kSecondCorrection] + 1e-8);
}

}  // namespace adaq::reference
