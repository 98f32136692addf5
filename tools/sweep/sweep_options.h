// adaq-sweep's command line.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tools/sweep/option_words.h"

namespace adaq {

struct SweepOptions {
    std::string table;  // its file
    std::string out;    // folder of finished cells, table.md, table.html
    std::string only;   // pattern of the cells to do; empty: all
    bool redo = false, dry_run = false;
    std::vector<OptionWords> passed_on;  // to every cell, in place of the table's
    std::string command;                 // as it was typed
};

/// Prints help or version and returns nothing where asked to; throws UsageError.
std::optional<SweepOptions> parse_sweep_options(int argc, char** argv);

}  // namespace adaq
