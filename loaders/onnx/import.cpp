// See import.h.
#include "loaders/onnx/import.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <set>

#include "engine/error.h"
#include "engine/graph/node_kind.h"
#include "engine/passes/fuse.h"
#include "engine/printable.h"
#include "loaders/onnx/data_flow.h"
#include "loaders/onnx/node_order.h"
#include "loaders/onnx/operators.h"
#include "loaders/onnx/pixel_input.h"
#include "loaders/onnx/units.h"
#include "loaders/weights/checks.h"
#include "loaders/weights/safetensors.h"

namespace adaq::onnx {
namespace {

class Importer : private Operators {
  public:
    using Operators::Operators;

    Imported run() {
        for (const TensorProto& tensor : graph_.initializers)
            if (!constants_.emplace(tensor.name, &tensor).second)
                data_error("{}: two tensors {}, expected one of a name", file_, printable(tensor.name));
        expect_float();
        take_input();
        find_wanted();
        for (const NodeProto* node : nodes_) take(*node);
        report_refusals();
        take_output();
        finish();
        return std::move(made_);
    }

  private:
    std::optional<PixelInput> pixels_;  // where the file reads pixels

    // ---- around the nodes

    void expect_float() const {
        for (const NodeProto& node : graph_.nodes)
            if (is_quantised(node.op_type))
                data_error(
                    "{}: is quantised already (it has {}), expected a float network, or the .bin that it was made from",
                    file_, printable(node.op_type));
    }
    static bool is_quantised(const std::string& op_type) {
        return op_type.find("uantizeLinear") != std::string::npos || op_type.starts_with("QLinear") ||
               op_type == "ConvInteger" || op_type == "MatMulInteger";
    }

    /// " (input, mask, ...)"
    static std::string names_of(const std::vector<ValueInfo>& values) {
        if (values.empty()) return "";
        std::vector<std::string> names;
        for (const ValueInfo& value : values) names.push_back(value.name);
        return " (" + first_names(names, 4) + ")";
    }

    void take_input() {
        std::vector<ValueInfo> inputs;
        std::copy_if(graph_.inputs.begin(), graph_.inputs.end(), std::back_inserter(inputs),
                     [&](const ValueInfo& input) { return !constants_.contains(input.name); });
        if (inputs.size() != 1)
            data_error("{}: a network of {} inputs{}, expected one", file_, inputs.size(), names_of(inputs));
        ValueInfo image = inputs[0];
        if (image.type == DataType::uint8) {
            pixels_ = pixel_input(file_, graph_, image);
            image = {pixels_->normalised, DataType::float32, pixels_->dims};
        }
        if (image.type != DataType::float32)
            data_error(
                "{}: its input {} is of {}, expected float32: export the network in float32 (its weights may be stored "
                "in fewer bits)",
                file_, printable(image.name), name_of(image.type));
        if (image.dims.size() != 4)
            data_error("{}: its input {} has {} dimensions, expected images [N, channels, height, width]", file_,
                       printable(image.name), image.dims.size());
        values_[image.name] = {};
        const auto edge = [&](size_t axis) {
            const auto* extent = std::get_if<int64_t>(&image.dims[axis]);
            return extent && *extent > 0 && *extent <= kMostInputEdge ? static_cast<int>(*extent) : 0;
        };
        if (edge(2) > 0 && edge(3) > 0) {
            made_.model.input_height = edge(2);
            made_.model.input_width = edge(3);
        }
        const auto* channels = std::get_if<int64_t>(&image.dims[1]);
        network().input_channels = channels && *channels > 0 ? *channels : 3;
    }

    /// Nodes that the output is made of.
    void find_wanted() {
        if (graph_.outputs.size() != 1)
            data_error("{}: a network of {} outputs{}, expected one, logits", file_, graph_.outputs.size(),
                       names_of(graph_.outputs));
        const std::vector<const NodeProto*> ordered = in_data_flow(file_, graph_);
        std::set<std::string> names{graph_.outputs[0].name};
        ++readers_[graph_.outputs[0].name];
        for (auto at = ordered.rbegin(); at != ordered.rend(); ++at) {
            const NodeProto& node = **at;
            const bool wanted = std::any_of(node.outputs.begin(), node.outputs.end(),
                                            [&](const std::string& output) { return names.contains(output); });
            if (!wanted || (pixels_ && pixels_->nodes.contains(&node))) continue;
            nodes_.push_back(&node);
            names.insert(node.inputs.begin(), node.inputs.end());
            if (node.op_type == "Shape") continue;
            for (const std::string& input : node.inputs) ++readers_[input];
        }
        std::reverse(nodes_.begin(), nodes_.end());
    }

    void take_output() {
        const auto found = values_.find(graph_.outputs[0].name);
        if (found == values_.end() || network().nodes.empty() || found->second.id != network().node_count() ||
            found->second.form != Form::features)
            data_error("{}: its output {} is not the features of a last layer", file_,
                       printable(graph_.outputs[0].name));
    }

    void report_refusals() const {
        if (!refusals_.empty())
            data_error("{}: {} of its {} nodes cannot be taken: {}", file_, refusals_.count(), graph_.nodes.size(),
                       refusals_.sentence());
    }

    void finish() {
        Graph& graph = network();
        order_nodes(graph);
        mark_units(graph);
        try {
            check_graph(graph);
            (void)fuse(graph);  // batch norms and activations stand behind layers
            if (knows_size()) (void)shapes();
        } catch (const DataError& error) {
            data_error("{}: {}", file_, error.what());
        }
        const int layers = keep_parameters();
        graph.description = fmt::format("ONNX network ({} layers, {} units, {} classes{})", layers, graph.units.size(),
                                        classes_of(graph), graph.input_channels == 1 ? ", grey input" : "");
        for (const auto& [key, text] : onnx_.metadata) take_metadata(file_, key, text, made_.model);
        if (pixels_) {
            if (!made_.model.preprocessing) made_.model.preprocessing.emplace();
            made_.model.preprocessing->mean = pixels_->mean;
            made_.model.preprocessing->std = pixels_->std;
        }
        check_float_tensors(file_, made_.model);
    }

    /// Of the graph's own nodes, and tells how many weights there are.
    int keep_parameters() {
        std::set<std::string> names;
        int layers = 0;
        for (const NamedShape& parameter : parameters_of(network())) {
            names.insert(parameter.name);
            layers += is_quantisable(parameter);
        }
        std::erase_if(made_.model.tensors, [&](const auto& entry) { return !names.contains(entry.first); });
        return layers;
    }
};

}  // namespace

Imported import_network(const std::string& file, const ModelProto& onnx) { return Importer(file, onnx).run(); }

}  // namespace adaq::onnx
