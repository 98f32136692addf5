// Whether what is asked for goes together with the model that was found.
#pragma once

#include <string>

#include "adaq/model.h"
#include "tools/run/options.h"

namespace adaq {

/// Usage errors: a quantised model that is to be quantised or saved again, no images where some are needed, nothing to
/// do with the result. `path` is the model's, for the message.
void check_requirements(const RunOptions& options, const Model& model, const std::string& path);

}  // namespace adaq
