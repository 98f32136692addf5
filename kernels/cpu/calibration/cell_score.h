// The score of a quantiser on cells instead of elements (cells.h).
#pragma once

#include "kernels/cpu/calibration/cells.h"
#include "kernels/cpu/calibration/error_sum.h"

namespace adaq::cpu {

struct CellScore {
    double sum = 0.0;    // of |x-hat - x|^p
    double error = 0.0;  // bound of what the series leaves out of it
};

/// Goes through the cells from both ends inwards and stops when the sum exceeds `limit`. A cell is summed by its series
/// where it lies in one bin, at least `ratio` half widths from the bin's level; the others element by element. The
/// levels are those of engine/grid.h, bit for bit, and so is the decision which of them an element goes to.
CellScore score_cells(const Cells& cells, Quantiser quantiser, Power p, float ratio, double limit);

}  // namespace adaq::cpu
