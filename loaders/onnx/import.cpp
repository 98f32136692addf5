// See import.h.
#include "loaders/onnx/import.h"

#include <fmt/format.h>

#include <cmath>
#include <map>
#include <optional>
#include <set>

#include "engine/error.h"
#include "engine/graph/node_kind.h"
#include "engine/printable.h"
#include "loaders/onnx/growing_network.h"
#include "loaders/onnx/node_order.h"
#include "loaders/onnx/pixel_input.h"
#include "loaders/onnx/units.h"
#include "loaders/weights/checks.h"
#include "loaders/weights/safetensors.h"

namespace adaq::onnx {
namespace {

class Importer : private GrowingNetwork {
  public:
    using GrowingNetwork::GrowingNetwork;

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
        for (size_t i = graph_.nodes.size(); i-- > 0;) {
            if (pixels_ && pixels_->nodes.contains(&graph_.nodes[i])) continue;
            for (const std::string& output : graph_.nodes[i].outputs) wanted_[i] = wanted_[i] || names.contains(output);
            if (wanted_[i]) names.insert(graph_.nodes[i].inputs.begin(), graph_.nodes[i].inputs.end());
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

    // ---- nodes

    using Take = void (Importer::*)(const NodeProto&);

    void take(const NodeProto& node) {
        static const std::map<std::string, Take, std::less<>> kOperators{
            {"Conv", &Importer::convolution},
            {"Gemm", &Importer::gemm},
            {"MatMul", &Importer::matmul},
            {"BatchNormalization", &Importer::batch_norm},
            {"Relu", &Importer::relu},
            {"Clip", &Importer::clip},
            {"Add", &Importer::addition},
            {"Sum", &Importer::addition},
            {"MaxPool", &Importer::max_pool},
            {"AveragePool", &Importer::average_pool},
            {"GlobalAveragePool", &Importer::global_average_pool},
            {"ReduceMean", &Importer::reduce_mean},
            {"Flatten", &Importer::flatten},
            {"Reshape", &Importer::reshape},
            {"Squeeze", &Importer::squeeze},
            {"Pad", &Importer::pad},
            {"Identity", &Importer::identity},
            {"Dropout", &Importer::identity},
            {"Constant", &Importer::constant},
            {"Softmax", &Importer::softmax},
        };
        static const std::set<std::string, std::less<>> kOfShapes{"Shape",  "Gather", "Slice", "Unsqueeze",
                                                                  "Concat", "Cast",   "Range", "Size"};
        try {
            const bool own = node.domain.empty() || node.domain == "ai.onnx";
            const auto found = kOperators.find(node.op_type);
            if (own && kOfShapes.contains(node.op_type) && (node.op_type == "Shape" || reads_shape(node)))
                return set(node, {Form::shape, 0});
            if (!own || found == kOperators.end()) return pass_over(node);
            if (reads_refused(node)) return set(node, {Form::refused});
            (this->*found->second)(node);
        } catch (const Refusal& refusal) {
            tell(node, refusal.why);
            set(node, {Form::refused});
        } catch (const DataError& error) {
            if (refusals_.empty()) throw;  // else it comes of what stands in for a node
            set(node, {Form::refused});
        }
    }

    /// An operator that is not known: what it reads stands in for what it gives, so that nodes behind it are looked at.
    void pass_over(const NodeProto& node) {
        const bool quantised = node.op_type.find("QuantizeLinear") != std::string::npos;
        tell(node, quantised ? "the network is quantised already, expected a float one" : "no such operator is known");
        const auto found = node.inputs.empty() ? values_.end() : values_.find(node.inputs[0]);
        set(node, found == values_.end() ? Known{Form::refused} : found->second);
    }
    // ---- layers

    struct WindowOf {
        std::vector<int64_t> kernel, stride, padding, dilation;
    };
    static WindowOf window(const NodeProto& node, const std::vector<int64_t>& kernel) {
        WindowOf w{integers(node, "kernel_shape", kernel), integers(node, "strides", {1, 1}),
                   integers(node, "pads", {0, 0, 0, 0}), integers(node, "dilations", {1, 1})};
        const std::string pad = text(node, "auto_pad", "NOTSET");
        if (pad != "NOTSET" && pad != "VALID") refuse_node("auto_pad {}, expected pads", printable(pad));
        if (w.kernel.size() != 2 || w.stride.size() != 2 || w.padding.size() != 4 || w.dilation.size() != 2)
            refuse_node("a window of {} dimensions, expected 2", w.kernel.size());
        if (integer(node, "ceil_mode", 0) != 0) refuse_node("ceil_mode, expected windows that lie in the map");
        return w;
    }

    void convolution(const NodeProto& node) {
        const Known x = operand(node, 0, {Form::map});
        const Tensor weight = floats_at(node, 1, "weight");
        if (weight.shape.size() != 4)
            refuse_node("a weight of {}, expected one of 2-D windows", to_string(weight.shape));
        WindowOf w = window(node, {weight.shape[2], weight.shape[3]});
        if (w.kernel != std::vector<int64_t>{weight.shape[2], weight.shape[3]})
            refuse_node("kernel_shape is not that of its weight");
        for (size_t i = 0; i < 4; ++i) w.padding[i] += x.padded[i];
        const int64_t groups = integer(node, "group", 1), outputs = weight.shape[0];
        const std::string name = names_.take(name_of_layer(node, node.inputs[1]));
        const bool bias = has(node, 2);
        const Tensor biases = bias ? floats_at(node, 2, "bias") : Tensor();
        if (bias && biases.shape != Shape{outputs}) refuse_node("a bias of {}", to_string(biases.shape));
        const ValueId y = append("convolution", name, {x.id},
                                 {{"inputs", weight.shape[1] * groups},
                                  {"outputs", outputs},
                                  {"kernel", w.kernel},
                                  {"stride", w.stride},
                                  {"padding", w.padding},
                                  {"dilation", w.dilation},
                                  {"groups", groups},
                                  {"bias", int64_t{bias ? 1 : 0}}});
        keep(name, weight, biases);
        set(node, {Form::map, y});
    }

    void gemm(const NodeProto& node) {
        if (integer(node, "transA", 0) != 0 || number(node, "alpha", 1.0) != 1.0 || number(node, "beta", 1.0) != 1.0)
            refuse_node("transA, alpha or beta, expected a plain layer");
        linear(node, integer(node, "transB", 0) != 0, has(node, 2) ? floats_at(node, 2, "bias") : Tensor());
    }
    void matmul(const NodeProto& node) { linear(node, false, {}); }

    /// transposed: the weight is [outputs, inputs] already.
    void linear(const NodeProto& node, bool transposed, const Tensor& bias) {
        const Known x = operand(node, 0, {Form::features, Form::flat});
        Tensor weight = floats_at(node, 1, "weight");
        if (weight.shape.size() != 2) refuse_node("a weight of {}, expected a matrix", to_string(weight.shape));
        if (!transposed) weight = transpose(weight);
        const int64_t outputs = weight.shape[0], inputs = weight.shape[1];
        if (!bias.shape.empty() && bias.shape != Shape{outputs}) refuse_node("a bias of {}", to_string(bias.shape));
        Attributes attributes{{"inputs", inputs}, {"outputs", outputs}, {"bias", int64_t{bias.shape.empty() ? 0 : 1}}};
        if (x.form == Form::flat) attributes["map"] = map_of(x, inputs);
        const std::string name = names_.take(name_of_layer(node, node.inputs[1]));
        const ValueId y = append("linear", name, {x.id}, std::move(attributes));
        keep(name, weight, bias);
        set(node, {Form::features, y});
    }
    static Tensor transpose(const Tensor& matrix) {
        const int64_t rows = matrix.shape[0], columns = matrix.shape[1];
        Tensor turned({columns, rows}, std::vector<float>(matrix.values.size()));
        for (int64_t r = 0; r < rows; ++r)
            for (int64_t c = 0; c < columns; ++c)
                turned.values[static_cast<size_t>(c * rows + r)] = matrix.values[static_cast<size_t>(r * columns + c)];
        return turned;
    }
    /// Rows and columns of the map that was flattened into so many features.
    std::vector<int64_t> map_of(const Known& x, int64_t features) {
        if (size_.size() == 2) {
            const Shape shape = value_shapes(network(), size_[0], size_[1])[x.id];
            if (element_count(shape) != features) refuse_node("{} inputs of a map of {}", features, to_string(shape));
            return {shape[0], shape[1]};
        }
        const int64_t channels = channels_of(x.id), positions = features / channels;
        const auto side = static_cast<int64_t>(std::lround(std::sqrt(static_cast<double>(positions))));
        if (side * side * channels != features)
            refuse_node("{} inputs of a map whose size the file does not tell", features);
        return {side, side};
    }
    void batch_norm(const NodeProto& node) {
        const Known x = map(node);
        if (integer(node, "training_mode", 0) != 0) refuse_node("training_mode, expected running statistics");
        const int64_t channels = channels_of(x.id);
        static constexpr std::array kNames{"weight", "bias", "running_mean", "running_var"};
        std::vector<Tensor> parameters;
        for (size_t i = 0; i < kNames.size(); ++i) {
            parameters.push_back(floats_at(node, i + 1, kNames[i]));
            if (parameters.back().shape != Shape{channels})
                refuse_node("{} of {}, expected {}", kNames[i], to_string(parameters.back().shape), channels);
        }
        const std::string name = names_.take(name_of_layer(node, node.inputs[1]));
        const ValueId y = append("batch_norm", name, {x.id},
                                 {{"channels", channels}, {"epsilon", shortest(number(node, "epsilon", 1e-5))}});
        for (size_t i = 0; i < kNames.size(); ++i) made_.model.tensors[name + "." + kNames[i]] = parameters[i];
        set(node, {Form::map, y});
    }
    /// The decimal number that was meant by a float32: 1e-5, not 9.99999975e-06.
    static double shortest(double value) { return std::stod(fmt::format("{}", static_cast<float>(value))); }

    void relu(const NodeProto& node) { activation(node, 0.0, std::nullopt); }
    void clip(const NodeProto& node) {
        const auto bound = [&](size_t i, const char* name) -> std::optional<double> {
            if (!has(node, i)) {
                const double given = number(node, name, NAN);
                return std::isnan(given) ? std::nullopt : std::optional(given);
            }
            const Tensor found = floats_at(node, i, name);
            if (found.values.size() != 1) refuse_node("{} of {} values", name, found.values.size());
            return found.values[0];
        };
        const auto lowest = bound(1, "min"), highest = bound(2, "max");
        if (!lowest) refuse_node("no min, expected both bounds or min alone");
        activation(node, *lowest, highest);
    }
    void activation(const NodeProto& node, double lowest, std::optional<double> highest) {
        const Known x = operand(node, 0, {Form::map, Form::features});
        expect_unpadded(x);
        Attributes attributes{{"lowest", lowest}};
        if (highest) attributes["highest"] = *highest;
        append(node, x.form, "activation", {x.id}, std::move(attributes));
    }

    void addition(const NodeProto& node) {
        if (node.inputs.size() != 2) refuse_node("{} terms, expected two", node.inputs.size());
        for (size_t i = 0; i < 2; ++i)
            if (find_constant(node, i)) return add_bias(node, i);
        const Known a = operand(node, 0, {Form::map, Form::features}), b = operand(node, 1, {a.form});
        expect_unpadded(a);
        expect_unpadded(b);
        append(node, a.form, "add", {a.id, b.id}, {});
    }
    /// A constant that is added to a layer without a bias.
    void add_bias(const NodeProto& node, size_t constant) {
        const Known x = operand(node, 1 - constant, {Form::map, Form::features});
        const Tensor bias = floats_at(node, constant, "constant");
        Node* const layer = x.id == kImage ? nullptr : &network().nodes[Graph::producer_of(x.id)];
        if (!layer || !layer->kind->has_weight() || layer->integer("bias") != 0 ||
            std::ssize(bias.values) != layer->integer("outputs"))
            refuse_node("adds a constant that is no layer's bias");
        layer->attributes["bias"] = int64_t{1};
        made_.model.tensors[layer->name + ".bias"] = Tensor({layer->integer("outputs")}, bias.values);
        set(node, x);
    }

    // ---- pools

    void max_pool(const NodeProto& node) {
        const Known x = map(node);
        const WindowOf w = window(node, {});
        if (w.dilation != std::vector<int64_t>{1, 1}) refuse_node("dilations, expected none");
        append(node, Form::map, "max_pool", {x.id},
               {{"kernel", w.kernel}, {"stride", w.stride}, {"padding", w.padding}});
    }
    void average_pool(const NodeProto& node) {
        const Known x = map(node);
        const WindowOf w = window(node, {});
        const std::vector<int64_t> one{1, 1}, none{0, 0, 0, 0};
        if (w.dilation != one) refuse_node("dilations, expected none");
        if (w.kernel == one && w.stride == one && w.padding == none) return set(node, x);  // VGG's, at its own size
        append(node, Form::map, "average_pool", {x.id},
               {{"kernel", w.kernel},
                {"stride", w.stride},
                {"padding", w.padding},
                {"count_padding", integer(node, "count_include_pad", 0)}});
    }
    void global_average_pool(const NodeProto& node) {
        append(node, Form::features, "global_average_pool", {map(node).id}, {});
    }
    void reduce_mean(const NodeProto& node) {
        const Known x = map(node);
        std::vector<int64_t> axes = integers(node, "axes", {});
        if (has(node, 1)) {
            const auto given = integers_of(constant_at(node, 1, "axes"));
            if (!given) refuse_node("axes that are no integers");
            axes = *given;
        }
        for (int64_t& axis : axes) axis += axis < 0 ? 4 : 0;
        std::sort(axes.begin(), axes.end());
        if (axes != std::vector<int64_t>{2, 3}) refuse_node("a mean over other axes than rows and columns");
        append(node, Form::features, "global_average_pool", {x.id}, {});
    }

    // ---- what moves values about

    Known flattened(const NodeProto& node) const {
        Known x = operand(node, 0, {Form::map, Form::features, Form::flat});
        expect_unpadded(x);
        if (x.form == Form::map) x.form = Form::flat;
        return x;
    }
    void flatten(const NodeProto& node) {
        const int64_t axis = integer(node, "axis", 1);
        if (axis != 1 && axis != -3) refuse_node("axis {}, expected 1", axis);
        set(node, flattened(node));
    }
    /// To [N, features], the batch given as 0, -1, 1, or by a computation on shapes.
    void reshape(const NodeProto& node) {
        const TensorProto* const target = find_constant(node, 1);
        if (target) {
            const auto shape = integers_of(*target);
            if (!shape || shape->size() != 2) refuse_node("to {} dimensions, expected 2", shape ? shape->size() : 0);
        } else if (!reads_shape(node)) {
            refuse_node("to a shape that is not known");
        }
        set(node, flattened(node));
    }
    void squeeze(const NodeProto& node) { set(node, operand(node, 0, {Form::features})); }
    void identity(const NodeProto& node) {
        if (const TensorProto* constant = find_constant(node, 0)) {
            constants_[node.outputs.at(0)] = constant;
            return;
        }
        set(node, operand(node, 0, {Form::map, Form::features, Form::flat, Form::shape}));
    }
    void constant(const NodeProto& node) {
        TensorProto made;
        if (const TensorProto* value = tensor_of(node, "value")) {
            made = *value;
        } else if (const double real = number(node, "value_float", NAN); !std::isnan(real)) {
            const auto single = static_cast<float>(real);
            made = tensor("", std::span(&single, 1), {});
        } else {
            std::vector<int64_t> whole = integers(node, "value_ints", {});
            if (whole.empty()) whole.push_back(integer(node, "value_int", 0));
            made = tensor("", std::span<const int64_t>(whole), {std::ssize(whole)});
        }
        made_constants_.push_back(std::make_unique<TensorProto>(std::move(made)));
        constants_[node.outputs.at(0)] = made_constants_.back().get();
    }
    /// Zeros around a map, which the convolution behind it takes as its own.
    void pad(const NodeProto& node) {
        Known x = operand(node, 0, {Form::map});
        if (text(node, "mode", "constant") != "constant") refuse_node("a mode other than constant");
        std::optional<std::vector<int64_t>> pads = integers(node, "pads", {});
        if (has(node, 1)) pads = integers_of(constant_at(node, 1, "pads"));
        if (!pads || pads->size() != 8) refuse_node("pads that are not of a map");
        const std::vector<int64_t>& p = *pads;
        if (has(node, 2) && floats_at(node, 2, "constant_value").values != std::vector<float>{0.0f})
            refuse_node("pads with something other than 0");
        const std::vector<int64_t> around{p[2], p[3], p[6], p[7]};
        if (p[0] || p[1] || p[4] || p[5] || *std::min_element(around.begin(), around.end()) < 0)
            refuse_node("pads batch or channels, or cuts the map");
        for (size_t i = 0; i < 4; ++i) x.padded[i] += around[i];
        set(node, x);
    }
    void softmax(const NodeProto& node) {
        const Known x = operand(node, 0, {Form::features});
        if (node.outputs.empty() || node.outputs[0] != graph_.outputs[0].name)
            refuse_node("within the network, expected at its end");
        made_.notes.push_back("The Softmax at the network's end is left out: what it compares are the logits.");
        set(node, x);
    }
};

}  // namespace

Imported import_network(const std::string& file, const ModelProto& onnx) { return Importer(file, onnx).run(); }

}  // namespace adaq::onnx
