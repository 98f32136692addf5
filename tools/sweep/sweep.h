// The main job of adaq-sweep: a table's cells, one after the other, in one process that shares what they have in
// common.
#pragma once

#include <string>
#include <vector>

#include "tools/run/progress.h"
#include "tools/sweep/sweep_options.h"

namespace adaq {

struct SweepOutcome {
    std::string text;                        // for stdout: the table as Markdown, or what --dry-run tells
    bool failed = false;                     // some cell
    std::vector<std::string> failures = {};  // sentences: files of --out that could not be written
};

/// Does what the options say. Keeps every finished cell in --out, and rewrites table.md and table.html there as it
/// goes. Throws DataError or UsageError before anything runs: for the table, the command line, the weights and the
/// images, and for a folder in use or with cells made otherwise; Stopped, saying how to go on.
SweepOutcome sweep(const SweepOptions& options, Progress& progress);

}  // namespace adaq
