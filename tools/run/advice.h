// What adaq-run says in words: what it did, and what to try next.
#pragma once

#include <string>
#include <vector>

#include "report/report.h"
#include "tools/run/options.h"

namespace adaq {

/// "nearest rounding, scheme norm (p = 2.4), one scale a channel, batch norms kept".
std::string method_sentence(const RunOptions& options);

/// Sentences that follow from this run's numbers.
std::vector<std::string> advice(const RunOptions& options, const Report& report);

}  // namespace adaq
