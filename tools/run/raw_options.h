// The command line of adaq-run between reading and understanding it.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "tools/run/options.h"

namespace adaq {

/// What the user typed, before anything depends on anything.
struct Raw {
    RunOptions options;
    std::vector<std::string> reports;
    std::string mean, std;
    std::vector<std::string> layer_bits, site_bits;
    int weight_bits = 0, activation_bits = 0;
};

/// The options with what follows from them: the method's own where none was given, the bundled model's.
/// Ends the program with status 2 where some of them do not go together.
RunOptions settled(Raw& raw, const CLI::App& app);

}  // namespace adaq
