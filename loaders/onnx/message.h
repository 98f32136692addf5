// ONNX's messages as plain data, as far as adaq reads and writes them. Names are those of onnx.proto, which says more.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "engine/tensor.h"

namespace adaq::onnx {

enum class DataType : int32_t {
    undefined = 0,
    float32 = 1,
    uint8 = 2,
    int8 = 3,
    uint16 = 4,
    int16 = 5,
    int32 = 6,
    int64 = 7,
    boolean = 9,
    float16 = 10,
    float64 = 11,
    uint32 = 12,
    uint64 = 13,
    bfloat16 = 16,
    uint4 = 21,
    int4 = 22,
    uint2 = 25,
    int2 = 26
};

/// "float16"; "type 8" for one that is not in the list.
std::string name_of(DataType type);

/// Bits of an element; 0 for a type that is not in the list.
int bits_of(DataType type);

/// What a tensor of this type and shape takes. Types of less than 8 bits are packed, the first element into the lowest
/// bits; a last byte that is not full is filled up with zero bits.
int64_t bytes_of(DataType type, const Shape& dims);

struct TensorProto {
    std::string name;
    DataType type = DataType::undefined;
    Shape dims;
    std::string bytes;  // raw_data: row-major, little-endian

    bool operator==(const TensorProto&) const = default;
};

/// A tensor of these values; `dims` is their number where it is not given.
TensorProto tensor(std::string name, std::span<const float> values, Shape dims);
TensorProto tensor(std::string name, std::span<const int32_t> values, Shape dims);
TensorProto tensor(std::string name, std::span<const int64_t> values, Shape dims);
/// Of integers that are checked to lie in the type: int8, uint8, int4, int2, int32.
TensorProto integers(std::string name, DataType type, std::span<const int32_t> values, Shape dims);

struct Attribute {
    std::string name;
    std::variant<int64_t, float, std::string, TensorProto, std::vector<int64_t>, std::vector<float>,
                 std::vector<std::string>>
        value;

    bool operator==(const Attribute&) const = default;
};

struct NodeProto {
    std::string op_type, name;
    std::vector<std::string> inputs, outputs;  // names of tensors
    std::vector<Attribute> attributes = {};
    std::string domain = {};  // empty: ONNX's own operators

    bool operator==(const NodeProto&) const = default;
};

/// An extent, or the name of one that is not fixed.
using Dimension = std::variant<int64_t, std::string>;

struct ValueInfo {
    std::string name;
    DataType type = DataType::float32;
    std::vector<Dimension> dims;

    bool operator==(const ValueInfo&) const = default;
};

struct GraphProto {
    std::string name;
    std::vector<NodeProto> nodes;  // in the order of data flow
    std::vector<TensorProto> initializers;
    std::vector<ValueInfo> inputs, outputs;

    bool operator==(const GraphProto&) const = default;
};

struct OperatorSet {
    std::string domain;
    int64_t version = 0;

    bool operator==(const OperatorSet&) const = default;
};

struct ModelProto {
    int64_t ir_version = 0;
    std::string producer_name, producer_version;
    GraphProto graph;
    std::vector<OperatorSet> operator_sets;
    std::vector<std::pair<std::string, std::string>> metadata;

    bool operator==(const ModelProto&) const = default;
};

/// What protobuf lets a message have at most.
inline constexpr int64_t kMostBytes = (int64_t{1} << 31) - 1;

/// The bytes of a file, the same for equal models. DataError naming `file` where they would be more than `limit`.
std::string serialise(const std::string& file, const ModelProto& model, int64_t limit = kMostBytes);

/// A tensor's data in another file: where it lies there. No length: to the file's end.
struct DataElsewhere {
    std::string location;  // relative to the model's folder
    int64_t offset = 0;
    std::optional<int64_t> length = std::nullopt;
};
/// Reads it, or throws DataError.
using ReadElsewhere = std::function<std::string(const DataElsewhere&)>;

/// Of a file's bytes. Fields that adaq does not know are passed over; tensors come as raw bytes, whichever field holds
/// them. DataError naming `file` where it is no such message, is cut off, has tensors whose data does not fit their
/// shape or lies in other files (unless there is who reads them), or graphs within nodes.
ModelProto parse(const std::string& file, std::span<const std::byte> bytes, const ReadElsewhere& elsewhere = {});

}  // namespace adaq::onnx
