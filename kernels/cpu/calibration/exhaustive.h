// Scores of every candidate by the plain definition, for searches of few candidates and for settling near ties.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/cpu/calibration/error_sum.h"

namespace adaq::cpu {

/// quantisers is [groups][candidates]; so is the result: the error sum of each group under each of its candidates.
std::vector<double> exhaustive_scores(std::span<const float> x, int64_t groups, std::span<const Quantiser> quantisers,
                                      Power p);

}  // namespace adaq::cpu
