// The files of a run's options: what it writes, and what it reads.
#pragma once

#include <vector>

#include "tools/program/outputs.h"
#include "tools/run/options.h"

namespace adaq {

/// --save, --report and --logits, those that were given.
std::vector<NamedPath> outputs_of(const RunOptions& options);

/// Before any work: each can be written, none is another or a file that the run reads, and --state can be filled.
/// Throws UsageError and DataError. Leaves nothing behind.
void check_outputs(const RunOptions& options);

}  // namespace adaq
