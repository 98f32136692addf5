// --dry-run: a plan (adaq/plan.h) as text.
#pragma once

#include <string>

#include "adaq/plan.h"
#include "tools/run/options.h"

namespace adaq {

/// "0.31 MB at most for values of all calibration images; --memory allows 2.10 GB"
std::string memory_text(int64_t cached_bytes, int64_t memory);

/// title: architecture and file.
std::string plan_text(const RunOptions& options, const std::string& title, const Plan& plan);

}  // namespace adaq
