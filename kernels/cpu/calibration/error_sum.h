// The inner loop of every range search: sum of |x-hat - x|^p over elements, for one scale and zero point.
// Cost: about 60 operations an element, compute-bound; float32 arithmetic of engine/grid.h, float64 sum.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/grid.h"
#include "kernels/cpu/calibration/power.h"

namespace adaq::cpu {

struct Quantiser {
    float scale, zero_point, qmin, qmax;
};

/// Elements are summed in an order that depends on their number alone.
double error_sum(std::span<const float> x, Quantiser quantiser, Power p);

/// The error sums of every candidate by the plain definition, for searches of few candidates and for settling near
/// ties. quantisers is [groups][candidates]; so is the result.
std::vector<double> exhaustive_scores(std::span<const float> x, int64_t groups, std::span<const Quantiser> quantisers,
                                      Power p);

/// Scale and zero point of the range lo ... hi; zero_centred puts the zero point at 0.
Quantiser quantiser_of_range(float lo, float hi, Grid grid, bool zero_centred);

}  // namespace adaq::cpu
