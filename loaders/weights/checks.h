// What a model's values must satisfy, wherever they came from; readers and writers both ask.
#pragma once

#include <string>

#include "engine/graph/model.h"

namespace adaq {

/// DataError naming `file` and the tensor unless every float tensor is finite, variances are not negative, every code,
/// scale and zero point lies on its grid, and tensors and quantised weights together are the graph's parameters.
void check_model(const std::string& file, const Model& model);

/// The float tensors' part of it: finite values, variances that are not negative.
void check_float_tensors(const std::string& file, const Model& model);

}  // namespace adaq
