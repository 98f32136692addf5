// The main job: load, quantise, evaluate, save, report.
#pragma once

#include <string>

#include "engine/report/report.h"
#include "tools/run/options.h"
#include "tools/run/progress.h"

namespace adaq {

/// Does what the options say and returns what happened. Writes --save, --logits and --report files; prints nothing but
/// progress. Throws UsageError, DataError, Interrupted.
Report run(const RunOptions& options, Progress& progress);

/// --dry-run: what it would do, as text (tools/run/plan.h). Writes nothing. Throws as run() does.
std::string dry_run(const RunOptions& options, Progress& progress);

}  // namespace adaq
