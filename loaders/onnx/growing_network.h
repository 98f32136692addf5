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
#include "loaders/onnx/refusals.h"

namespace adaq::onnx {

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
    bool stands_in = false;                   // for what an operator gives that is not known, or comes of such a value
};

class GrowingNetwork {
  public:
    GrowingNetwork(const std::string& file, const ModelProto& onnx) : file_(file), onnx_(onnx), graph_(onnx.graph) {}

  protected:
    using Form = Known::Form;

    Graph& network() { return made_.model.graph; }
    /// Whether the file fixes the input's height and width.
    bool knows_size() const { return made_.model.input_height > 0; }
    /// Of all values, where it does. Throws DataError where the size does not fit.
    Indexed<Shape> shapes() const {
        return value_shapes(made_.model.graph, made_.model.input_height, made_.model.input_width);
    }
    void set(const NodeProto& node, Known value) {
        if (node.outputs.empty()) return;
        value.shared = value.shared || readers_[node.outputs[0]] > 1;
        value.stands_in = value.stands_in || reads_stand_in(node);
        values_[node.outputs[0]] = std::move(value);
    }
    bool reads_refused(const NodeProto& node) const {
        return reads(node, [](const Known& value) { return value.form == Form::refused; });
    }
    bool reads_shape(const NodeProto& node) const {
        return reads(node, [](const Known& value) { return value.form == Form::shape; });
    }
    bool reads_stand_in(const NodeProto& node) const {
        return reads(node, [](const Known& value) { return value.stands_in; });
    }
    template <typename Holds>
    bool reads(const NodeProto& node, Holds holds) const {
        return std::any_of(node.inputs.begin(), node.inputs.end(), [&](const std::string& name) {
            const auto found = values_.find(name);
            return found != values_.end() && holds(found->second);
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
        if (found == values_.end()) refuse_input("its input {} is not a value of the network", i);
        if (std::find(forms.begin(), forms.end(), found->second.form) == forms.end())
            refuse_input("its input {} is {}, expected {}", i, describe(found->second.form), describe(*forms.begin()));
        return found->second;
    }
    Known map(const NodeProto& node) const {
        const Known x = operand(node, 0, {Form::map});
        expect_unpadded(x);
        return x;
    }
    static void expect_unpadded(const Known& x) {
        if (x.padded != std::vector<int64_t>{0, 0, 0, 0})
            refuse_input("reads a padded map, which convolutions alone do");
    }

    ValueId append(const char* kind, const std::string& name, std::vector<ValueId> inputs, Attributes attributes) {
        const ValueId made = append_node(network(), kind, name, std::move(inputs), std::move(attributes));
        try {
            network().nodes.back().kind->check(network().nodes.back());
        } catch (const DataError& error) {
            const std::string why = error.what(), own = printable(name) + ": ";  // the node's name, which stands there
            refuse_node("{}", why.starts_with(own) ? why.substr(own.size()) : why);
        }
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

    static const char* describe(Form form) {
        switch (form) {
            case Form::map:
                return "a map [N, channels, rows, columns]";
            case Form::features:
                return "features [N, features]";
            case Form::flat:
                return "a flattened map [N, features]";
            case Form::shape:
                return "a shape";
            case Form::refused:
                break;
        }
        return "of a node that is not taken";
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
    std::vector<const NodeProto*> nodes_;     // that the output is made of, in the order of data flow
    Refusals refusals_;
    DistinctNames names_;
};

}  // namespace adaq::onnx
