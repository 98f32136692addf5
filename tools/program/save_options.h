// The options of programs that write .onnx files.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "adaq/options.h"

namespace adaq {

void declare_save_options(CLI::App& app, SaveOptions& options, const std::string& group);

}  // namespace adaq
