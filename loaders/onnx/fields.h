// Numbers of the fields of onnx.proto (ONNX 1.20, IR version 13) that adaq reads or writes, and protozero, in which a
// wrong wire type is an error like any other and no abort.
#pragma once

#include <stdexcept>

namespace adaq::onnx {

/// What protozero would assert: a field of another wire type than its message says.
struct ProtobufFault : std::runtime_error {
    using std::runtime_error::runtime_error;
};

}  // namespace adaq::onnx

#if defined(PROTOZERO_CONFIG_HPP)
#error "protozero was included before loaders/onnx/fields.h, which sets what its checks do"
#endif
#define protozero_assert(x) ((x) ? void() : throw adaq::onnx::ProtobufFault("a field of another type"))
#include <protozero/pbf_builder.hpp>
#include <protozero/pbf_message.hpp>

namespace adaq::onnx {

using Tag = protozero::pbf_tag_type;

enum class ModelField : Tag {
    ir_version = 1,
    producer_name = 2,
    producer_version = 3,
    graph = 7,
    opset_import = 8,
    metadata_props = 14
};
enum class OperatorSetField : Tag { domain = 1, version = 2 };
enum class EntryField : Tag { key = 1, value = 2 };
enum class GraphField : Tag { node = 1, name = 2, initializer = 5, input = 11, output = 12, sparse_initializer = 15 };
enum class NodeField : Tag { input = 1, output = 2, name = 3, op_type = 4, attribute = 5, domain = 7 };
enum class AttributeField : Tag {
    name = 1,
    f = 2,
    i = 3,
    s = 4,
    t = 5,
    g = 6,
    floats = 7,
    ints = 8,
    strings = 9,
    tensors = 10,
    graphs = 11,
    type = 20
};
/// AttributeProto.AttributeType
enum class AttributeType : int32_t { real = 1, integer = 2, text = 3, tensor = 4, reals = 6, integers = 7, texts = 8 };
enum class TensorField : Tag {
    dims = 1,
    data_type = 2,
    segment = 3,
    float_data = 4,
    int32_data = 5,
    int64_data = 7,
    name = 8,
    raw_data = 9,
    double_data = 10,
    uint64_data = 11,
    external_data = 13,
    data_location = 14
};
enum class ValueField : Tag { name = 1, type = 2 };
enum class TypeField : Tag { tensor_type = 1 };
enum class TensorTypeField : Tag { elem_type = 1, shape = 2 };
enum class ShapeField : Tag { dim = 1 };
enum class DimensionField : Tag { dim_value = 1, dim_param = 2 };

}  // namespace adaq::onnx
