// ONNX files for the tests: the fixtures of tools/make_onnx_fixtures.py, parts of a graph by name, and protobuf by
// hand.
#pragma once

#include <algorithm>
#include <cstring>

#include "loaders/onnx/onnx.h"
#include "support/weight_files.h"

namespace adaq::test {

inline std::string onnx_fixture(const std::string& name) { return fixtures_folder() + "/onnx/" + name; }

inline const onnx::TensorProto* find_initializer(const onnx::GraphProto& graph, const std::string& name) {
    const auto found = std::find_if(graph.initializers.begin(), graph.initializers.end(),
                                    [&](const onnx::TensorProto& tensor) { return tensor.name == name; });
    return found == graph.initializers.end() ? nullptr : &*found;
}

/// The node that makes a tensor.
inline const onnx::NodeProto* maker_of(const onnx::GraphProto& graph, const std::string& tensor) {
    const auto found = std::find_if(graph.nodes.begin(), graph.nodes.end(),
                                    [&](const onnx::NodeProto& node) { return node.outputs[0] == tensor; });
    return found == graph.nodes.end() ? nullptr : &*found;
}

inline size_t count_of(const onnx::GraphProto& graph, const std::string& op_type) {
    return static_cast<size_t>(std::count_if(graph.nodes.begin(), graph.nodes.end(),
                                             [&](const onnx::NodeProto& node) { return node.op_type == op_type; }));
}

template <typename T>
std::vector<T> values_of(const onnx::TensorProto& tensor) {
    std::vector<T> values(tensor.bytes.size() / sizeof(T));
    if (!values.empty()) std::memcpy(values.data(), tensor.bytes.data(), values.size() * sizeof(T));
    return values;
}

/// A field of protobuf of less than 128 bytes: text, or a message.
inline std::string field(int number, const std::string& content) {
    return std::string{static_cast<char>(number << 3 | 2), static_cast<char>(content.size())} + content;
}
/// One that is a number below 128.
inline std::string field(int number, int value) {
    return std::string{static_cast<char>(number << 3), static_cast<char>(value)};
}

}  // namespace adaq::test
