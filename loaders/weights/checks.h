// What a model's values must satisfy, wherever they came from; readers and writers both ask.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "engine/graph/model.h"

namespace adaq {

/// What is said of a parameter that is not there: "no fc.weight", and behind the network's name why it is expected.
struct MissingParameter {
    std::string what, because = {};
};

/// DataError unless these shapes are the graph's parameters, all of them and no others. whole: the network in words.
void check_parameters(const std::string& file, const Graph& graph, const std::map<std::string, Shape>& shapes,
                      const std::string& whole,
                      const std::function<MissingParameter(const std::string& name)>& missing);

/// DataError naming `file` and the tensor unless every float tensor is finite, variances are not negative, every code,
/// scale and zero point lies on its grid, and tensors and quantised weights together are the graph's parameters.
void check_model(const std::string& file, const StoredModel& model);

/// The float tensors' part of it: finite values, variances that are not negative.
void check_float_tensors(const std::string& file, const StoredModel& model);

}  // namespace adaq
