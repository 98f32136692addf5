// The main job: load, quantise, evaluate, save, report.
#pragma once

#include <string>

#include "report/report.h"
#include "tools/run/options.h"
#include "tools/run/plan.h"
#include "tools/run/progress.h"
#include "tools/run/shared.h"

namespace adaq {

/// What became of a run.
struct RunOutcome {
    Report report;
    /// What went wrong when the network was quantised already, and what was kept of it, for one line on stderr. The
    /// rest was done all the same. Empty: nothing went wrong.
    std::string failure, kept;
    bool interrupted = false;  // by Ctrl-C or SIGTERM
};

/// Does what the options say and returns what happened. Writes --save, --logits and --report files; prints nothing but
/// progress. What was learned is saved before anything else. Throws UsageError, DataError, Interrupted.
RunOutcome run(const RunOptions& options, Progress& progress);

/// How much a run tells: everything, or how accurate the network is, without what only reports show of its layers
/// (where the options ask for a report, it is everything).
enum class Detail { everything, accuracy };

/// The same as one of several runs, with what they have in common.
RunOutcome run(const RunOptions& options, Progress& progress, Shared& shared, Detail detail);

/// What a run's plan is made of. Throws as run() does before it quantises.
PlanInput plan_input(const RunOptions& options, Progress& progress, Shared& shared);

/// All that decides a run's result, as a JSON object: settings, weights, images, device, build. No paths. Throws as
/// plan_input() does.
std::string identity(const RunOptions& options, Progress& progress, Shared& shared);

/// --dry-run: what it would do, as text (tools/run/plan.h). Writes nothing. Throws as run() does.
std::string dry_run(const RunOptions& options, Progress& progress);

}  // namespace adaq
