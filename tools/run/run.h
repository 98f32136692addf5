// The main job: load, quantise, evaluate, save, report.
#pragma once

#include <string>

#include "engine/report/report.h"
#include "tools/run/options.h"
#include "tools/run/plan.h"
#include "tools/run/progress.h"
#include "tools/run/shared.h"

namespace adaq {

/// Does what the options say and returns what happened. Writes --save, --logits and --report files; prints nothing but
/// progress. Throws UsageError, DataError, Interrupted.
Report run(const RunOptions& options, Progress& progress);

/// How much a run tells: everything, or how accurate the network is, without what only reports show of its layers
/// (where the options ask for a report, it is everything).
enum class Detail { everything, accuracy };

/// The same as one of several runs, with what they have in common.
Report run(const RunOptions& options, Progress& progress, Shared& shared, Detail detail);

/// What a run's plan is made of. Throws as run() does before it quantises.
PlanInput plan_input(const RunOptions& options, Progress& progress, Shared& shared);

/// All that decides a run's result, as a JSON object: settings, weights, images, device, build. No paths. Throws as
/// plan_input() does.
std::string identity(const RunOptions& options, Progress& progress, Shared& shared);

/// --dry-run: what it would do, as text (tools/run/plan.h). Writes nothing. Throws as run() does.
std::string dry_run(const RunOptions& options, Progress& progress);

}  // namespace adaq
