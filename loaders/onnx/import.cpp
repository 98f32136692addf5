// See import.h.
#include "loaders/onnx/import.h"

#include <fmt/format.h>

#include <optional>
#include <set>

#include "engine/error.h"
#include "engine/graph/node_kind.h"
#include "engine/printable.h"
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
        for (const TensorProto& tensor : graph_.initializers) constants_[tensor.name] = &tensor;
        take_input();
        find_wanted();
        for (size_t i = 0; i < graph_.nodes.size(); ++i)
            if (wanted_[i]) take(graph_.nodes[i]);
        report_refusals();
        take_output();
        finish();
        return std::move(made_);
    }

  private:
    std::optional<PixelInput> pixels_;  // where the file reads pixels

    // ---- around the nodes

    void take_input() {
        std::vector<const ValueInfo*> inputs;
        for (const ValueInfo& input : graph_.inputs)
            if (!constants_.contains(input.name)) inputs.push_back(&input);
        if (inputs.size() != 1) data_error("{}: a network of {} inputs, expected one", file_, inputs.size());
        ValueInfo image = *inputs[0];
        if (image.type == DataType::uint8) {
            pixels_ = pixel_input(file_, graph_, image);
            image = {pixels_->normalised, DataType::float32, pixels_->dims};
        }
        if (image.dims.size() != 4 || image.type != DataType::float32)
            data_error("{}: its input {} is no batch of float32 images [N, channels, height, width]", file_,
                       printable(image.name));
        values_[image.name] = {};
        for (size_t axis = 0; axis < 2; ++axis) {
            const auto* extent = std::get_if<int64_t>(&image.dims[axis + 2]);
            if (extent) size_.push_back(*extent);
        }
        const auto* channels = std::get_if<int64_t>(&image.dims[1]);
        network().input_channels = channels && *channels > 0 ? *channels : 3;
    }

    /// Nodes that the output is made of.
    void find_wanted() {
        if (graph_.outputs.size() != 1)
            data_error("{}: a network of {} outputs, expected one, logits", file_, graph_.outputs.size());
        wanted_.assign(graph_.nodes.size(), false);
        std::set<std::string> names{graph_.outputs[0].name};
        ++readers_[graph_.outputs[0].name];
        for (size_t i = graph_.nodes.size(); i-- > 0;) {
            if (pixels_ && pixels_->nodes.contains(&graph_.nodes[i])) continue;
            for (const std::string& output : graph_.nodes[i].outputs) wanted_[i] = wanted_[i] || names.contains(output);
            if (!wanted_[i]) continue;
            names.insert(graph_.nodes[i].inputs.begin(), graph_.nodes[i].inputs.end());
            if (graph_.nodes[i].op_type == "Shape") continue;
            for (const std::string& input : graph_.nodes[i].inputs) ++readers_[input];
        }
    }

    void take_output() {
        const auto found = values_.find(graph_.outputs[0].name);
        if (found == values_.end() || network().nodes.empty() || found->second.id != network().node_count() ||
            found->second.form != Form::features)
            data_error("{}: its output {} is not the features of a last layer", file_,
                       printable(graph_.outputs[0].name));
    }

    void report_refusals() const {
        if (refusals_.empty()) return;
        constexpr size_t kMost = 20;
        std::string all;
        for (size_t i = 0; i < std::min(refusals_.size(), kMost); ++i) all += (i ? "; " : "") + refusals_[i];
        if (refusals_.size() > kMost) all += fmt::format("; and {} more", refusals_.size() - kMost);
        data_error("{}: {} of its {} nodes cannot be taken: {}", file_, refusals_.size(), graph_.nodes.size(), all);
    }

    void finish() {
        Graph& graph = network();
        order_nodes(graph);
        mark_units(graph);
        check_graph(graph);
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
