// adaq-run's options of methods that learn.
#pragma once

#include <CLI/CLI.hpp>

#include "adaq/options.h"

namespace adaq {

void add_learning_options(CLI::App& app, LearningOptions& options);

}  // namespace adaq
