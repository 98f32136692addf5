// What cells will take: memory, and time, measured on made-up numbers before they start, corrected by those that have
// finished.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tools/run/run.h"
#include "tools/sweep/cells.h"

namespace adaq {

class CellTimes {
  public:
    /// Plans the cells, and times what they consist of, for half a minute at most where they learn. `cells` must
    /// outlive it. Cells that cannot be planned (they will fail) count nothing. Throws UsageError, naming where its
    /// options stand, for a cell whose options cannot go with the model and the data; Stopped.
    CellTimes(const Table& table, const std::vector<const Cell*>& cells, Observer& observer, Workspace& workspace);

    /// Why a cell cannot be planned; empty: it can.
    const std::string& failure(const Cell& cell) const { return failures_.at(&cell); }
    /// The cell that keeps the most values of calibration images, and its plan; null where none learns.
    const Cell* largest() const { return largest_; }
    const Plan& plan_of_largest() const { return plan_of_largest_; }

    /// Seconds of one cell, the float network's evaluation left out: cells share it.
    double of(const Cell& cell) const { return cell_seconds_.at(&cell); }
    /// Seconds of all that are not finished.
    double left() const;

    void finish(const Cell& cell, double seconds);

  private:
    std::map<const Cell*, double> cell_seconds_, left_;
    std::map<const Cell*, std::string> failures_;
    const Cell* largest_ = nullptr;
    Plan plan_of_largest_;
    std::map<bool, double> float_seconds_;    // the float network's evaluation, by --fold, until a cell has done it
    double expected_ = 0.0, measured_ = 0.0;  // of the finished ones
};

}  // namespace adaq
