// What adaq-run advises to try next.
#pragma once

#include <string>
#include <vector>

#include "adaq/report.h"
#include "tools/run/options.h"

namespace adaq {

/// Sentences that follow from this run's numbers, of a network of so many classes.
std::vector<std::string> advice(const RunOptions& options, const Report& report, int classes);

}  // namespace adaq
