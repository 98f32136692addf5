// Very many elements, summarised: cells along the value axis, each with its extremes and the moments of its elements,
// so that sum |level - x|^p over a cell that lies wholly in one bin of a quantiser is a short series instead of a loop:
//   |level - x|^p = d^p (1 + u)^p = d^p (1 + p u + p (p - 1) / 2 u^2 + ...),   u = +-delta / d
// with d the distance from level to the cell's centre and delta = x - centre. Elements stay at hand, cell by cell, for
// the cells that a bin's edge or a level divides. Zeros are left out: every quantiser represents them exactly.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/program/device.h"
#include "kernels/cpu/calibration/power.h"

namespace adaq::cpu {

inline constexpr int kMoments = 5;  // of order 0 ... 4

/// One entry a cell, roughly ascending in value; empty cells are left out. h is the cell's half width.
struct Cells {
    std::vector<int64_t> first;   // [cells + 1] into elements
    std::vector<float> min, max;  // of the cell's elements
    std::vector<float> centre, half_width;
    /// moment[m] = binomial(p, m) * sum (delta / h)^m, ready for the series; moment[0] is the number of elements.
    std::array<std::vector<float>, kMoments> moment;
    std::vector<float> elements;  // those of a cell together, in their original order

    int64_t count() const { return static_cast<int64_t>(min.size()); }
};

/// binomial(p, m) of a real p.
double binomial(double p, int m);

/// x lies within `extremes`, all finite. Three passes over x; the result does not depend on the number of threads.
Cells make_cells(std::span<const float> x, MinMax extremes, Power p);

}  // namespace adaq::cpu
