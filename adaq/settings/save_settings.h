// How a model is saved, as the loaders take it.
#pragma once

#include "adaq/options.h"
#include "loaders/onnx/onnx.h"

namespace adaq {

/// Throws UsageError for a word that is none, and for options that do not go together.
OnnxOptions onnx_options(const SaveOptions& options);

}  // namespace adaq
