// The cells of a table, each parsed as the run that it is, before any of them runs.
#pragma once

#include <string>
#include <vector>

#include "tools/run/options.h"
#include "tools/sweep/sweep_options.h"
#include "tools/sweep/table.h"

namespace adaq {

struct Cell {
    size_t row = 0, column = 0;
    std::string title;    // "ROW / COLUMN"
    std::string name;     // of its files, its own and of at most 170 characters: "absmax-layer.w8a32"
    std::string options;  // of adaq-run, without what is the same for all tables, such as --weights
    RunOptions run;
};

/// Every cell of the table, row after row, with the options of the common part, the column, the row and the command
/// line: a column's or a row's replace the common ones, the command line's replace any. Throws DataError naming file,
/// line and key of options that do not parse or go together; UsageError where they come from the command line;
/// Stopped.
std::vector<Cell> make_cells(const Table& table, const SweepOptions& options);

/// Where a cell's options stand, for errors: "FILE: line 12: rows[0].options (ROW / COLUMN)"; of common, column's and
/// row's options those that `message` names first.
std::string origin(const Table& table, const Cell& cell, const std::string& message);

/// Whether --only means the cell. Throws nothing; an empty pattern means all.
bool matches(const Cell& cell, const std::string& pattern);

}  // namespace adaq
