// The checks that every model passes on its way in and out; see checks.h.
#include "loaders/weights/checks.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "engine/error.h"
#include "engine/graph/node_kind.h"
#include "engine/passes/fuse.h"
#include "engine/printable.h"
#include "loaders/weights/raw_tensor.h"

namespace adaq {
namespace {

void check_scale_zero(const std::string& file, const std::string& name, float scale, float zero_point, Grid grid) {
    if (!std::isfinite(scale) || !(scale > 0.0f))
        data_error("{}: {} has scale {}, expected a positive number", file, printable(name), scale);
    if (!(zero_point >= grid.qmin() && zero_point <= grid.qmax()) || zero_point != std::rint(zero_point))
        data_error("{}: {} has zero point {}, expected a whole number of {} to {}", file, printable(name), zero_point,
                   grid.qmin(), grid.qmax());
}

void check_bits(const std::string& file, const std::string& name, Grid grid) {
    if (grid.bits < 2 || grid.bits > 8)
        data_error("{}: {} has {} bits, expected 2 to 8", file, printable(name), grid.bits);
}

void check_weight(const std::string& file, const std::string& name, const QuantisedWeight& weight) {
    check_bits(file, name, weight.grid);
    if (static_cast<int64_t>(weight.codes.size()) != element_count(weight.shape))
        data_error("{}: {} has {} codes, expected {}", file, printable(name), weight.codes.size(),
                   element_count(weight.shape));
    const size_t groups = weight.scale.size();
    const size_t channels = weight.shape[0];
    if ((groups != 1 && groups != channels) || weight.zero_point.size() != groups)
        data_error("{}: {} has {} scales and {} zero points, expected 1 or {} of both", file, printable(name), groups,
                   weight.zero_point.size(), channels);
    for (size_t i = 0; i < groups; ++i)
        check_scale_zero(file, name, weight.scale[i], weight.zero_point[i], weight.grid);
    int16_t lowest = 0, highest = 0;
    for (int16_t code : weight.codes) {
        lowest = std::min(lowest, code);
        highest = std::max(highest, code);
    }
    for (int16_t code : {lowest, highest})
        if (code < weight.grid.qmin() || code > weight.grid.qmax())
            data_error("{}: {} has the code {}, expected {} to {}", file, printable(name), code, weight.grid.qmin(),
                       weight.grid.qmax());
}

/// The tensor holds the values of its integers.
void check_bias(const std::string& file, const std::string& name, const QuantisedBias& bias, const StoredModel& model) {
    const auto tensor = model.tensors.find(name);
    if (tensor == model.tensors.end() || tensor->second.values.size() != bias.codes.size() ||
        bias.scale.size() != bias.codes.size())
        data_error("{}: {} has {} codes and {} scales, expected one a channel of a bias", file, printable(name),
                   bias.codes.size(), bias.scale.size());
    for (size_t k = 0; k < bias.codes.size(); ++k) {
        if (!std::isfinite(bias.scale[k]) || !(bias.scale[k] > 0.0f))
            data_error("{}: {} has scale {}, expected a positive number", file, printable(name), bias.scale[k]);
        if (tensor->second.values[k] != bias.value(k))
            data_error("{}: {} is {}, expected {}, which its integer stands for", file, printable(name),
                       tensor->second.values[k], bias.value(k));
    }
}

void check_activations(const std::string& file, const StoredModel& model) {
    const Graph graph = fuse(model.graph).graph;
    std::set<std::string> sites{value_name(graph, kImage)};
    for (const Node& node : graph.nodes)
        if (node.kind->quantises_output()) sites.insert(node.output_name());
    for (const auto& [site, activation] : model.quantisation->activations) {
        if (!sites.contains(site))
            data_error("{}: an activation is quantised at {}, which the network does not have", file, printable(site));
        check_bits(file, site, activation.grid);
        check_scale_zero(file, "activation " + site, activation.scale, activation.zero_point, activation.grid);
    }
}

std::map<std::string, Shape> all_shapes(const std::string& file, const StoredModel& model) {
    std::map<std::string, Shape> shapes;
    for (const auto& [name, tensor] : model.tensors) shapes[name] = tensor.shape;
    if (!model.quantisation) return shapes;
    for (const auto& [name, weight] : model.quantisation->weights) {
        if (weight.shape.size() < 2)
            data_error("{}: {} is quantised, expected only weights of convolutions and fc to be", file,
                       printable(name));
        if (!shapes.emplace(name, weight.shape).second)
            data_error("{}: {} is there twice, as floats and quantised", file, printable(name));
    }
    return shapes;
}

}  // namespace

void check_float_tensors(const std::string& file, const StoredModel& model) {
    for (const auto& [name, tensor] : model.tensors) {
        check_finite(file, name, tensor.values);
        if (!name.ends_with(".running_var")) continue;
        for (float variance : tensor.values)
            if (variance < 0.0f)
                data_error("{}: {} holds {}, expected variances of at least 0", file, printable(name), variance);
    }
}

void check_parameters(const std::string& file, const Graph& graph, const std::map<std::string, Shape>& shapes,
                      const std::string& whole,
                      const std::function<MissingParameter(const std::string& name)>& missing) {
    std::set<std::string> expected;
    for (const NamedShape& parameter : parameters_of(graph)) {
        const auto found = shapes.find(parameter.name);
        if (found == shapes.end()) {
            const MissingParameter said = missing(parameter.name);
            data_error("{}: {}, expected in {}{}", file, said.what, whole, said.because);
        }
        if (found->second != parameter.shape)
            data_error("{}: {} has shape {}, expected {} in {}", file, printable(parameter.name),
                       to_string(found->second), to_string(parameter.shape), whole);
        expected.insert(parameter.name);
    }
    for (const auto& [name, shape] : shapes)
        if (!expected.contains(name))
            data_error("{}: has {} of shape {}, not expected in {}", file, printable(name), to_string(shape), whole);
}

void check_model(const std::string& file, const StoredModel& model) {
    check_parameters(file, model.graph, all_shapes(file, model), printable(model.graph.description),
                     [](const std::string& name) { return MissingParameter{"no " + printable(name)}; });
    check_float_tensors(file, model);
    if (!model.quantisation) return;
    for (const auto& [name, weight] : model.quantisation->weights) check_weight(file, name, weight);
    for (const auto& [name, bias] : model.quantisation->biases) check_bias(file, name, bias, model);
    check_activations(file, model);
}

}  // namespace adaq
