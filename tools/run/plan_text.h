// --dry-run: a plan (adaq/plan.h) as text.
#pragma once

#include <string>

#include "adaq/plan.h"
#include "tools/run/options.h"

namespace adaq {

/// title: architecture and file.
std::string plan_text(const RunOptions& options, const std::string& title, const Plan& plan);

}  // namespace adaq
