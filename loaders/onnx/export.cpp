// A network as an ONNX graph, node by node; see onnx.h. Tensors bear the network's names: "layer1.0.conv1.weight", and
// "layer1.0" for a value, which is "layer1.0.codes" behind its quantiser and "layer1.0.dequantised" behind that.
#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>

#include "engine/error.h"
#include "engine/graph/node_kind.h"
#include "engine/nodes/kinds.h"
#include "engine/printable.h"
#include "loaders/onnx/graph_builder.h"
#include "loaders/onnx/layer_codes.h"
#include "loaders/onnx/notes.h"
#include "loaders/onnx/site_codes.h"
#include "loaders/weights/flat_header.h"
#include "loaders/weights/safetensors.h"

namespace adaq::onnx {
namespace {

constexpr const char *kInput = "input", *kLogits = "logits";

/// A value on its way: the name of its float tensor, and the codes that it stands for, if it is quantised.
struct Value {
    std::string tensor;
    std::optional<SiteCodes> codes;
    std::string scale, zero_point;  // of the codes: names of tensors
};

class Exporter {
  public:
    Exporter(const std::string& file, const StoredModel& model, const OnnxOptions& options)
        : file_(file),
          model_(model),
          options_(options),
          rules_(rules_of(options.target)),
          network_(make_network(model, false)),
          values_(network_.values.size()),
          tensors_(network_.values.size()) {
        if (options.aimet_encodings)
            for (auto& value : network_.values) value.reset();
    }

    Exported run() {
        image();
        for (int i = 0; i < network_.graph.node_count(); ++i) {
            const Node& node = network_.graph.node(i);
            write(node, Graph::output_of(i));
        }
        builder_.graph().nodes.back().outputs = {kLogits};  // which nobody reads
        tensors_.back() = kLogits;
        Exported exported;
        ModelProto& model = exported.model;
        builder_.graph().name = printable(model_.graph.description);
        builder_.graph().outputs = {{kLogits, DataType::float32, {"batch", classes_of(model_.graph)}}};
        model.graph = std::move(builder_.graph());
        set_versions(model);
        model.producer_name = "adaq";
        model.producer_version = ADAQ_VERSION;
        model.metadata = metadata();
        exported.values = std::move(tensors_);
        exported.notes = notes_of(layers_, options_, rules_);
        const std::string made_for = deployment(), target = kOnnxTargetNames[static_cast<size_t>(options_.target)];
        if (options_.target != OnnxTarget::any && !made_for.empty() && made_for != target)
            exported.notes.push_back(fmt::format(
                "The network was made for another runtime: adaq-run --deploy {}; with --deploy {} it is made for {}.",
                printable(made_for), target, rules_.runtime));
        return exported;
    }

  private:
    // ---- values

    const std::string& base(ValueId id) const { return value_name(network_.graph, id); }
    bool quantised(ValueId id) const { return network_.values[static_cast<size_t>(id)].has_value(); }
    const Value& value(ValueId id) const { return values_[static_cast<size_t>(id)]; }

    /// `tensor` behind a quantiser, as floats again.
    Value dequantised(const std::string& tensor, const std::string& base, const std::string& output, SiteCodes codes,
                      const std::string& scale, const std::string& zero_point) {
        std::string name =
            builder_.node("QuantizeLinear", base + ".quantise", {tensor, scale, zero_point},
                          codes.most_value() && rules_.min_on_codes ? base + ".unbounded" : base + ".codes");
        if (codes.most_value() && rules_.min_on_codes) {
            const int32_t most = codes.highest;
            const std::string bound =
                builder_.add(integers(base + ".highest", codes.type, std::span<const int32_t>(&most, 1), {}));
            name = builder_.node("Min", base + ".bound", {name, bound}, base + ".codes");
        }
        name = builder_.node("DequantizeLinear", base + ".dequantise", {name, scale, zero_point}, output);
        return {name, codes, scale, zero_point};
    }

    /// The value that `tensor` is, behind its quantiser where it has one.
    void produce(ValueId id, const std::string& tensor) {
        Value& made = values_[static_cast<size_t>(id)];
        tensors_[id] = tensor;
        if (!quantised(id)) {
            made = {tensor, {}, {}, {}};
            return;
        }
        const SiteCodes codes = codes_of(id);
        const int32_t zero_point = codes.zero_point;
        const std::string scale = builder_.scalar(base(id) + ".scale", codes.scale);
        const std::string zero =
            builder_.add(integers(base(id) + ".zero_point", codes.type, std::span<const int32_t>(&zero_point, 1), {}));
        made = dequantised(tensor, base(id), base(id) + ".dequantised", codes, scale, zero);
    }

    SiteCodes codes_of(ValueId id) const {
        SiteCodes codes = site_codes(file_, network_, id, rules_);
        if (const std::optional<int> bound = clamped_code(id, codes)) codes.highest = std::min(codes.highest, *bound);
        return codes;
    }

    /// The code of a ReLU6's upper bound, where codes are bounded by a Min: rounding keeps the order, so that it does
    /// what a Clip before the quantiser would, which keeps onnxruntime from multiplying integers.
    std::optional<int> clamped_code(ValueId id, const SiteCodes& codes) const {
        if (!rules_.min_on_codes || id == kImage) return std::nullopt;
        const Activation& activation = network_.graph.node(Graph::producer_of(id)).activation;
        if (activation.lowest() != 0.0f || activation.highest() == kInfinity) return std::nullopt;
        const float steps = std::rint(activation.highest() / codes.scale) + static_cast<float>(codes.zero_point);
        return static_cast<int>(std::min(steps, static_cast<float>(codes.highest)));
    }

    /// An operator's output, and what its node's activation and the grid of its quantiser make of it.
    void produce_sum(const Node& node, ValueId id, const std::string& op_type, std::vector<std::string> inputs,
                     std::vector<Attribute> attributes = {}) {
        float lowest = node.activation.lowest(), highest = node.activation.highest();
        if (quantised(id) && !rules_.min_on_codes) {
            const SiteCodes codes = codes_of(id);
            lowest = std::max(lowest, codes.least_value().value_or(lowest));
            highest = std::min(highest, codes.most_value().value_or(highest));
        }
        if (quantised(id) && clamped_code(id, codes_of(id))) highest = kInfinity;
        const bool clamps = lowest > -kInfinity || highest < kInfinity;
        const std::string sum = clamps ? node.name + ".sum" : base(id);
        const std::string bias = std::exchange(added_bias_, "");
        std::string tensor = builder_.node(op_type, node.name, std::move(inputs),
                                           bias.empty() ? sum : node.name + ".product", std::move(attributes));
        if (!bias.empty()) tensor = builder_.node("Add", node.name + ".add_bias", {tensor, bias}, sum);
        if (clamps) tensor = clamp(tensor, node.name, base(id), lowest, highest);
        produce(id, tensor);
    }

    std::string clamp(const std::string& tensor, const std::string& name, const std::string& output, float lowest,
                      float highest) {
        if (lowest == 0.0f && highest == kInfinity) return builder_.node("Relu", name + ".relu", {tensor}, output);
        std::vector<std::string> inputs{tensor};
        inputs.push_back(lowest > -kInfinity ? builder_.scalar(name + ".lowest", lowest) : "");
        if (highest < kInfinity) inputs.push_back(builder_.scalar(name + ".highest_value", highest));
        return builder_.node("Clip", name + ".clip", std::move(inputs), output);
    }

    // ---- nodes

    /// The image: normalised floats, or pixels that are normalised here in the three steps of loaders/images.
    void image() {
        builder_.name(kInput);
        builder_.name(kLogits);
        builder_.graph().inputs = {input_info()};
        std::string tensor = kInput;
        if (options_.input == OnnxInput::pixels) tensor = normalised(tensor);
        if (quantised(kImage) && !rules_.min_on_codes) {
            const SiteCodes codes = codes_of(kImage);
            const float lowest = codes.least_value().value_or(-kInfinity),
                        highest = codes.most_value().value_or(kInfinity);
            if (lowest > -kInfinity || highest < kInfinity)
                tensor = clamp(tensor, kInput, std::string(kInput) + ".clipped", lowest, highest);
        }
        produce(kImage, tensor);
    }

    ValueInfo input_info() const {
        const int crop = model_.preprocessing ? model_.preprocessing->crop : 0;
        const auto extent = [&](const char* name) { return crop > 0 ? Dimension(int64_t{crop}) : Dimension(name); };
        const Dimension batch = "batch", channels = model_.graph.input_channels;
        if (options_.input == OnnxInput::pixels)
            return {kInput, DataType::uint8, {batch, extent("height"), extent("width"), channels}};
        return {kInput, DataType::float32, {batch, channels, extent("height"), extent("width")}};
    }

    std::string normalised(const std::string& pixels) {
        const int64_t channels = model_.graph.input_channels;
        if (!model_.preprocessing)
            data_error(
                "{}: pixels are to be normalised within, but the model does not say by which means and standard "
                "deviations (adaq-convert --mean --std)",
                file_);
        const auto constant = [&](const char* name, const std::vector<float>& values) {
            return builder_.add(onnx::tensor(name, std::span<const float>(values), {1, channels, 1, 1}));
        };
        const auto step = [&](const char* op_type, const char* name, std::vector<std::string> inputs,
                              std::vector<Attribute> attributes = {}) {
            return builder_.node(op_type, name, std::move(inputs), name, std::move(attributes));
        };
        std::string x = step("Transpose", "input.planes", {pixels}, {{"perm", std::vector<int64_t>{0, 3, 1, 2}}});
        x = step("Cast", "input.floats", {x}, {{"to", static_cast<int64_t>(DataType::float32)}});
        x = step("Div", "input.unit", {x, builder_.scalar("input.full", 255.0f)});
        x = step("Sub", "input.centred", {x, constant("input.mean", model_.preprocessing->mean)});
        return step("Div", "input.normalised", {x, constant("input.std", model_.preprocessing->std)});
    }

    void write(const Node& node, ValueId output) {
        using Write = void (Exporter::*)(const Node&, ValueId);
        static const std::map<const NodeKind*, Write> writers{
            {&convolution_kind(), &Exporter::convolution},
            {&linear_kind(), &Exporter::linear},
            {&add_kind(), &Exporter::add},
            {&max_pool_kind(), &Exporter::max_pool},
            {&average_pool_kind(), &Exporter::average_pool},
            {&global_average_pool_kind(), &Exporter::global_average_pool}};
        const auto found = writers.find(node.kind);
        if (found == writers.end())
            data_error("{}: {} is a {}, which cannot be written as ONNX", file_, printable(node.name),
                       node.kind->name());
        (this->*found->second)(node, output);
    }

    void convolution(const Node& node, ValueId output) {
        produce_sum(node, output, "Conv", weighted_inputs(node, output),
                    {{"dilations", node.list("dilation")},
                     {"group", node.integer("groups")},
                     {"kernel_shape", node.list("kernel")},
                     {"pads", node.list("padding")},
                     {"strides", node.list("stride")}});
    }

    void linear(const Node& node, ValueId output) {
        if (node.attributes.contains("map")) flatten(node);
        produce_sum(node, output, "Gemm", weighted_inputs(node, output), {{"transB", int64_t{1}}});
    }

    void add(const Node& node, ValueId output) {
        produce_sum(node, output, "Add", {value(node.inputs[0]).tensor, value(node.inputs[1]).tensor});
    }

    /// A maximum of codes is a code.
    void max_pool(const Node& node, ValueId output) {
        const Value& x = value(node.inputs[0]);
        const std::string tensor = builder_.node(
            "MaxPool", node.name, {x.tensor}, base(output),
            {{"kernel_shape", node.list("kernel")}, {"pads", node.list("padding")}, {"strides", node.list("stride")}});
        if (quantised(output) || !x.codes) return produce(output, tensor);
        values_[static_cast<size_t>(output)] = quantised_again(node.name, tensor, x);
    }

    void average_pool(const Node& node, ValueId output) {
        produce(output, builder_.node("AveragePool", node.name, {value(node.inputs[0]).tensor}, base(output),
                                      {{"count_include_pad", node.integer("count_padding")},
                                       {"kernel_shape", node.list("kernel")},
                                       {"pads", node.list("padding")},
                                       {"strides", node.list("stride")}}));
    }

    void global_average_pool(const Node& node, ValueId output) {
        if (node.attributes.contains("map") && node.integer("map") != 0) {
            produce(output,
                    builder_.node("GlobalAveragePool", node.name, {value(node.inputs[0]).tensor}, base(output)));
            return;
        }
        const std::string mean =
            builder_.node("GlobalAveragePool", node.name, {value(node.inputs[0]).tensor}, base(output) + ".map");
        if (!quantised(output)) {
            produce(output, builder_.node("Flatten", node.name + ".flatten", {mean}, base(output)));
            return;
        }
        produce(output, mean);
        Value& made = values_[static_cast<size_t>(output)];
        made.tensor = builder_.node("Flatten", node.name + ".flatten", {made.tensor}, base(output) + ".features");
    }

    /// What a fully connected layer reads, in one row: codes stay codes, as behind a pool. Nobody else reads it.
    void flatten(const Node& node) {
        Value& x = values_[static_cast<size_t>(node.inputs[0])];
        const std::string name = node.name + ".flatten";
        const std::string tensor = builder_.node("Flatten", name, {x.tensor}, name);
        x = x.codes ? quantised_again(name, tensor, x) : Value{tensor, {}, {}, {}};
    }

    /// `tensor`, whose values are on x's grid: the quantiser changes nothing, and tells runtimes so.
    Value quantised_again(const std::string& name, const std::string& tensor, const Value& x) {
        SiteCodes codes = *x.codes;
        codes.highest = std::numeric_limits<uint8_t>::max();  // none is beyond the grid
        Value made = dequantised(tensor, name, name + ".dequantised", codes, x.scale, x.zero_point);
        made.codes = x.codes;
        return made;
    }

    /// Input, weight and bias of a convolution or fully connected layer.
    std::vector<std::string> weighted_inputs(const Node& node, ValueId output) {
        const Layer& layer = network_.layers[static_cast<size_t>(node.layer)];
        const Value& x = value(node.inputs[0]);
        ExportedLayer told{layer.name, node.kind == &convolution_kind(), x.codes.has_value(), quantised(output), {},
                           {}};
        std::vector<std::string> inputs{x.tensor};
        std::optional<LayerWeight> codes;
        const bool floats =
            !layer.codes || options_.aimet_encodings || (rules_.float_weights_behind_floats && !x.codes);
        if (floats) {
            inputs.push_back(builder_.add(onnx::tensor(
                layer.name + ".weight", std::span<const float>(float_weight(layer, model_)), shape_in_files(layer))));
        } else {
            const auto allowed = x.codes ? rules_.weight_zero_points : TargetRules::ZeroPoints::any;
            codes = layer_weight(file_, layer, model_.quantisation->weights.at(layer.name + ".weight"),
                                 options_.pack ? rules_.narrowest : 8, allowed, rules_.runtime);
            inputs.push_back(dequantised_weight(layer, *codes));
            told.largest_code = x.codes ? x.codes->highest : 0;
            told.largest_pair = largest_pair(*codes, layer.channels());
            told.packed = codes->packed.has_value();
            if (codes->packed) narrowest_ = std::min(narrowest_, bits_of(codes->packed->type));
        }
        add_bias(layer, x, codes, told, inputs);
        layers_.push_back(std::move(told));
        return inputs;
    }

    static Shape shape_in_files(const Layer& layer) {
        const Shape& s = layer.shape;
        return s.size() == 4 ? Shape{s[0], s[3], s[1], s[2]} : s;
    }

    std::string dequantised_weight(const Layer& layer, const LayerWeight& weight) {
        const std::string name = layer.name + ".weight";
        const bool channels = weight.scale.size() > 1;
        const Shape of_scales = channels ? Shape{static_cast<int64_t>(weight.scale.size())} : Shape{};
        std::vector<std::string> inputs{
            weight.packed
                ? unpacked(layer, *weight.packed)
                : builder_.add(integers(name + ".codes", DataType::int8, weight.codes, shape_in_files(layer))),
            builder_.add(onnx::tensor(name + ".scale", std::span<const float>(weight.scale), of_scales))};
        std::vector<int32_t> zeros = weight.zero_point;
        zeros.resize(weight.scale.size());
        inputs.push_back(builder_.add(integers(name + ".zero_point", DataType::int8, zeros, of_scales)));
        std::vector<Attribute> attributes;
        if (channels) attributes.push_back({"axis", int64_t{0}});
        return builder_.node("DequantizeLinear", name + ".dequantise", std::move(inputs), name, std::move(attributes));
    }

    /// Runtimes fold these nodes as they load the file: what they multiply are int8 codes, as of a file without them.
    std::string unpacked(const Layer& layer, const PackedCodes& packed) {
        const std::string name = layer.name + ".weight";
        const auto cast = [&](const std::string& from, const std::string& output, DataType type) {
            return builder_.node("Cast", output, {from}, output, {{"to", static_cast<int64_t>(type)}});
        };
        const std::string stored =
            builder_.add(integers(name + ".packed", packed.type, packed.codes, shape_in_files(layer)));
        if (packed.shift.empty()) return cast(stored, name + ".codes", DataType::int8);
        Shape of_shifts(layer.shape.size(), 1);
        of_shifts[0] = layer.channels();
        const std::string shift =
            builder_.add(onnx::tensor(name + ".shift", std::span<const int32_t>(packed.shift), of_shifts));
        const std::string wide = cast(stored, name + ".wide", DataType::int32);
        const std::string centred = builder_.node("Sub", name + ".centred", {wide, shift}, name + ".centred");
        return cast(centred, name + ".codes", DataType::int8);
    }

    void add_bias(const Layer& layer, const Value& x, const std::optional<LayerWeight>& weight, ExportedLayer& told,
                  std::vector<std::string>& inputs) {
        const std::vector<float>& bias = layer.channel_shift;
        if (std::all_of(bias.begin(), bias.end(), [](float b) { return b == 0.0f; })) return;
        const std::string name = layer.name + ".bias";
        std::optional<QuantisedBias> snapped;
        if (rules_.integer_biases && weight && x.codes) snapped = integer_bias(layer, *weight, x.codes->scale);
        Shape shape{layer.channels()};
        const bool added = !snapped && weight && x.codes &&
                           (rules_.added_biases == TargetRules::AddedBiases::all ||
                            (rules_.added_biases == TargetRules::AddedBiases::before_floats && !told.quantised_output));
        if (added) {
            if (told.convolution) shape.insert(shape.end(), 2, 1);
            added_bias_ = builder_.add(onnx::tensor(name, std::span<const float>(bias), shape));
            return;
        }
        told.float_bias = !snapped;
        if (!snapped) {
            inputs.push_back(builder_.add(onnx::tensor(name, std::span<const float>(bias), shape)));
            return;
        }
        const std::string codes =
            builder_.add(onnx::tensor(name + ".codes", std::span<const int32_t>(snapped->codes), shape));
        const std::string scale =
            builder_.add(onnx::tensor(name + ".scale", std::span<const float>(snapped->scale), shape));
        inputs.push_back(
            builder_.node("DequantizeLinear", name + ".dequantise", {codes, scale}, name, {{"axis", int64_t{0}}}));
    }

    // ---- the model around the graph

    /// The runtime that the network was made for, as the settings of the run have it; empty: none.
    std::string deployment() const {
        if (!model_.quantisation) return "";
        const auto settings = nlohmann::json::parse(model_.quantisation->settings);
        const auto found = settings.find("deploy");
        return found != settings.end() && found->is_string() ? found->get<std::string>() : "";
    }

    /// The oldest operator set that has what the file needs, and the first IR version that may name it.
    void set_versions(ModelProto& model) const {
        struct Versions {
            int64_t ir, opset;
        };
        const Versions versions = narrowest_ == 2   ? Versions{13, 25}
                                  : narrowest_ == 4 ? Versions{10, 21}
                                                    : Versions{8, 17};
        model.ir_version = versions.ir;
        model.operator_sets = {{"", versions.opset}};
    }

    std::vector<std::pair<std::string, std::string>> metadata() const {
        std::vector<std::pair<std::string, std::string>> entries;
        if (model_.preprocessing)
            entries.emplace_back(kPreprocessingKey, preprocessing_json(*model_.preprocessing).dump());
        if (!model_.class_names.empty())
            entries.emplace_back(kClassesKey, nlohmann::json{{"classes", model_.class_names}}.dump());
        if (model_.quantisation) entries.emplace_back("adaq.settings", model_.quantisation->settings);
        entries.emplace_back("adaq.target", kOnnxTargetNames[static_cast<size_t>(options_.target)]);
        return entries;
    }

    static constexpr float kInfinity = std::numeric_limits<float>::infinity();

    const std::string& file_;
    const StoredModel& model_;
    const OnnxOptions& options_;
    const TargetRules& rules_;
    Network network_;
    std::vector<Value> values_;
    Indexed<std::string> tensors_;  // Exported::values
    std::vector<ExportedLayer> layers_;
    std::string added_bias_;  // of the layer at hand, where an operator of its own adds it
    int narrowest_ = 8;       // bits of a weight's type
    GraphBuilder builder_;
};

}  // namespace

Exported export_network(const std::string& file, const StoredModel& model, const OnnxOptions& options) {
    return Exporter(file, model, options).run();
}

}  // namespace adaq::onnx
