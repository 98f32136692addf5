// The main job: load, quantise, save, evaluate, report.
#pragma once

#include <optional>
#include <string>

#include "adaq/adaq.h"
#include "tools/run/options.h"

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
/// progress. What was learned is saved before anything else. workspace: of several runs; null: of one alone. Throws
/// Error.
RunOutcome run(const RunOptions& options, Observer& observer, Workspace* workspace = nullptr);

/// What a run works on.
struct RunInput {
    Model model;
    ImageSets images;
};

/// Throws as run() does before it quantises.
RunInput run_input(const RunOptions& options, Workspace* workspace);

/// What surrounds a run's work.
Context context_of(const RunOptions& options, Observer& observer, Workspace* workspace);

/// The plan of a run (adaq/plan.h). Throws as run() does before it quantises.
Plan plan_of(const RunOptions& options, const RunInput& input, const Context& context, double seconds);

/// --dry-run: what it would do, as text. Writes nothing. Throws as run() does.
std::string dry_run(const RunOptions& options, Observer& observer);

}  // namespace adaq
