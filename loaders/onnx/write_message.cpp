// ONNX's messages as protobuf, fields in the order of their numbers, as protobuf's own writers have them; see
// message.h.
#include "engine/error.h"
#include "loaders/onnx/fields.h"
#include "loaders/onnx/message.h"

namespace adaq::onnx {
namespace {

template <typename Field>
using Builder = protozero::pbf_builder<Field>;

template <typename Field>
void add_text(Builder<Field>& message, Field field, const std::string& text) {
    if (!text.empty()) message.add_string(field, text);
}

void add(Builder<OperatorSetField> message, const OperatorSet& set) {
    message.add_string(OperatorSetField::domain, set.domain);
    message.add_int64(OperatorSetField::version, set.version);
}

void add(Builder<TensorField> message, const TensorProto& tensor) {
    for (const int64_t extent : tensor.dims) message.add_int64(TensorField::dims, extent);
    message.add_int32(TensorField::data_type, static_cast<int32_t>(tensor.type));
    add_text(message, TensorField::name, tensor.name);
    message.add_bytes(TensorField::raw_data, tensor.bytes);
}

/// Writes an attribute's value; the type, which goes behind it, is what comes back.
struct AddValue {
    Builder<AttributeField>& message;

    AttributeType operator()(int64_t value) const {
        message.add_int64(AttributeField::i, value);
        return AttributeType::integer;
    }
    AttributeType operator()(float value) const {
        message.add_float(AttributeField::f, value);
        return AttributeType::real;
    }
    AttributeType operator()(const std::string& value) const {
        message.add_bytes(AttributeField::s, value);
        return AttributeType::text;
    }
    AttributeType operator()(const TensorProto& value) const {
        add(Builder<TensorField>(message, AttributeField::t), value);
        return AttributeType::tensor;
    }
    AttributeType operator()(const std::vector<int64_t>& values) const {
        for (const int64_t value : values) message.add_int64(AttributeField::ints, value);
        return AttributeType::integers;
    }
    AttributeType operator()(const std::vector<float>& values) const {
        for (const float value : values) message.add_float(AttributeField::floats, value);
        return AttributeType::reals;
    }
    AttributeType operator()(const std::vector<std::string>& values) const {
        for (const std::string& value : values) message.add_bytes(AttributeField::strings, value);
        return AttributeType::texts;
    }
};

void add(Builder<AttributeField> message, const Attribute& attribute) {
    message.add_string(AttributeField::name, attribute.name);
    const AttributeType type = std::visit(AddValue{message}, attribute.value);
    message.add_enum(AttributeField::type, static_cast<int32_t>(type));
}

void add(Builder<NodeField> message, const NodeProto& node) {
    for (const std::string& input : node.inputs) message.add_string(NodeField::input, input);
    for (const std::string& output : node.outputs) message.add_string(NodeField::output, output);
    add_text(message, NodeField::name, node.name);
    message.add_string(NodeField::op_type, node.op_type);
    for (const Attribute& attribute : node.attributes)
        add(Builder<AttributeField>(message, NodeField::attribute), attribute);
    add_text(message, NodeField::domain, node.domain);
}

void add(Builder<ValueField> message, const ValueInfo& value) {
    message.add_string(ValueField::name, value.name);
    Builder<TypeField> type(message, ValueField::type);
    Builder<TensorTypeField> of_tensor(type, TypeField::tensor_type);
    of_tensor.add_int32(TensorTypeField::elem_type, static_cast<int32_t>(value.type));
    Builder<ShapeField> shape(of_tensor, TensorTypeField::shape);
    for (const Dimension& extent : value.dims) {
        Builder<DimensionField> dimension(shape, ShapeField::dim);
        if (const auto* number = std::get_if<int64_t>(&extent))
            dimension.add_int64(DimensionField::dim_value, *number);
        else
            dimension.add_string(DimensionField::dim_param, std::get<std::string>(extent));
    }
}

void add(Builder<GraphField> message, const GraphProto& graph) {
    for (const NodeProto& node : graph.nodes) add(Builder<NodeField>(message, GraphField::node), node);
    message.add_string(GraphField::name, graph.name);
    for (const TensorProto& tensor : graph.initializers)
        add(Builder<TensorField>(message, GraphField::initializer), tensor);
    for (const ValueInfo& value : graph.inputs) add(Builder<ValueField>(message, GraphField::input), value);
    for (const ValueInfo& value : graph.outputs) add(Builder<ValueField>(message, GraphField::output), value);
}

[[noreturn]] void too_large(const std::string& file, int64_t bytes, int64_t limit) {
    data_error("{}: {} bytes, expected {} at most, which is all that one ONNX file holds", file, bytes, limit);
}

}  // namespace

std::string serialise(const std::string& file, const ModelProto& model, int64_t limit) {
    int64_t bytes = 0;
    for (const TensorProto& tensor : model.graph.initializers) bytes += static_cast<int64_t>(tensor.bytes.size());
    if (bytes > limit) too_large(file, bytes, limit);
    std::string text;
    Builder<ModelField> message(text);
    message.add_int64(ModelField::ir_version, model.ir_version);
    add_text(message, ModelField::producer_name, model.producer_name);
    add_text(message, ModelField::producer_version, model.producer_version);
    add(Builder<GraphField>(message, ModelField::graph), model.graph);
    for (const OperatorSet& set : model.operator_sets)
        add(Builder<OperatorSetField>(message, ModelField::opset_import), set);
    for (const auto& [key, value] : model.metadata) {
        Builder<EntryField> entry(message, ModelField::metadata_props);
        entry.add_string(EntryField::key, key);
        entry.add_string(EntryField::value, value);
    }
    if (static_cast<int64_t>(text.size()) > limit) too_large(file, static_cast<int64_t>(text.size()), limit);
    return text;
}

}  // namespace adaq::onnx
