// What both writers ask of a model before they touch the disk.
#pragma once

#include <string>

#include "engine/graph/model.h"

namespace adaq {

/// DataError naming `path` unless a file of this model could be read back: check_model() of checks.h, and the
/// preprocessing, class names, settings and extra header keys.
void check_writable(const std::string& path, const StoredModel& model);

}  // namespace adaq
