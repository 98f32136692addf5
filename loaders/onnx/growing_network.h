// A network while it grows out of an ONNX graph: what the file's names stand for so far, the operands of nodes, and the
// nodes of adaq's graph. import.cpp has the operators.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/error.h"
#include "engine/graph/node_kind.h"
#include "engine/printable.h"
#include "loaders/architectures/graph_builder.h"
#include "loaders/onnx/constants.h"
#include "loaders/onnx/import.h"
#include "loaders/onnx/layer_names.h"

namespace adaq::onnx {

/// Why one node is not taken.
struct Refusal {
    std::string why;
};

template <typename... Args>
[[noreturn]] void refuse_node(fmt::format_string<Args...> text, Args&&... args) {
    throw Refusal{fmt::format(text, std::forward<Args>(args)...)};
}

/// What a name in the file stands for.
struct Known {
    enum class Form {
        map,       // [N,C,H,W]
        features,  // [N,C], or a map of one position
        flat,      // [N,C*H*W], a map's
        shape,     // of a tensor: integers that only reshapes read
        refused    // of a node that is not taken
    };
    Form form = Form::map;
    ValueId id = kImage;
    std::vector<int64_t> padded{0, 0, 0, 0};  // zeros around the map: above, left, below, right
    bool shared = false;                      // more than one node reads it, or what it is another name of
};

class GrowingNetwork {
  public:
    GrowingNetwork(const std::string& file, const ModelProto& onnx) : file_(file), onnx_(onnx), graph_(onnx.graph) {}

  protected:
    using Form = Known::Form;

    Graph& network() { return made_.model.graph; }
    void tell(const NodeProto& node, const std::string& why) {
        refusals_.push_back(fmt::format("{} ({}): {}", printable(node.op_type), printable(node.name), why));
    }

    void set(const NodeProto& node, Known value) {
        if (node.outputs.empty()) return;
        value.shared = value.shared || readers_[node.outputs[0]] > 1;
        values_[node.outputs[0]] = std::move(value);
    }
    bool reads_refused(const NodeProto& node) const { return reads(node, Form::refused); }
    bool reads_shape(const NodeProto& node) const { return reads(node, Form::shape); }
    bool reads(const NodeProto& node, Form form) const {
        return std::any_of(node.inputs.begin(), node.inputs.end(), [&](const std::string& name) {
            const auto found = values_.find(name);
            return found != values_.end() && found->second.form == form;
        });
    }

    // ---- operands

    bool has(const NodeProto& node, size_t i) const { return i < node.inputs.size() && !node.inputs[i].empty(); }

    const TensorProto* find_constant(const NodeProto& node, size_t i) const {
        if (!has(node, i)) return nullptr;
        const auto found = constants_.find(node.inputs[i]);
        return found == constants_.end() ? nullptr : found->second;
    }
    const TensorProto& constant_at(const NodeProto& node, size_t i, const char* what) const {
        const TensorProto* found = find_constant(node, i);
        if (!found) refuse_node("its {} is not a constant", what);
        return *found;
    }
    Tensor floats_at(const NodeProto& node, size_t i, const char* what) const {
        const TensorProto& found = constant_at(node, i, what);
        if (!is_float(found)) refuse_node("its {} is not of floats", what);
        return floats_of(file_, found.name.empty() ? node.inputs[i] : found.name, found);
    }
    /// An activation of this form.
    Known operand(const NodeProto& node, size_t i, std::initializer_list<Form> forms) const {
        const auto found = has(node, i) ? values_.find(node.inputs[i]) : values_.end();
        if (found == values_.end()) refuse_node("its input {} is not a value of the network", i);
        if (std::find(forms.begin(), forms.end(), found->second.form) == forms.end())
            refuse_node("its input {} has another shape than expected", i);
        return found->second;
    }
    Known map(const NodeProto& node) const {
        const Known x = operand(node, 0, {Form::map});
        expect_unpadded(x);
        return x;
    }
    static void expect_unpadded(const Known& x) {
        if (x.padded != std::vector<int64_t>{0, 0, 0, 0})
            refuse_node("reads a padded map, which convolutions alone do");
    }

    ValueId append(const char* kind, const std::string& name, std::vector<ValueId> inputs, Attributes attributes) {
        const ValueId made = append_node(network(), kind, name, std::move(inputs), std::move(attributes));
        network().nodes.back().kind->check(network().nodes.back());
        return made;
    }
    void append(const NodeProto& node, Form form, const char* kind, std::vector<ValueId> inputs,
                Attributes attributes) {
        set(node, {form, append(kind, names_.take(name_of_node(node)), std::move(inputs), std::move(attributes))});
    }

    void keep(const std::string& name, const Tensor& weight, const Tensor& bias) {
        made_.model.tensors[name + ".weight"] = weight;
        if (!bias.shape.empty()) made_.model.tensors[name + ".bias"] = bias;
    }

    int64_t channels_of(ValueId id) const {
        const Graph& graph = made_.model.graph;
        while (id != kImage) {
            const Node& node = graph.node(Graph::producer_of(id));
            if (node.kind->has_weight()) return node.integer("outputs");
            id = node.inputs[0];
        }
        return graph.input_channels;
    }

    const std::string& file_;
    const ModelProto& onnx_;
    const GraphProto& graph_;
    Imported made_;
    std::map<std::string, const TensorProto*> constants_;
    std::vector<std::unique_ptr<TensorProto>> made_constants_;
    std::map<std::string, Known> values_;
    std::map<std::string, int64_t> readers_;  // by name: nodes that are wanted, and the network's output
    std::vector<bool> wanted_;                // by node of the file
    std::vector<std::string> refusals_;
    std::vector<int64_t> size_;  // of the input, rows and columns, where they are fixed
    DistinctNames names_;
};

}  // namespace adaq::onnx
