// See graph_builder.h.
#include "loaders/onnx/graph_builder.h"

namespace adaq::onnx {

std::string GraphBuilder::unique(std::set<std::string>& taken, const std::string& wanted) {
    std::string name = wanted;
    for (int number = 2; !taken.insert(name).second; ++number) name = wanted + "." + std::to_string(number);
    return name;
}

std::string GraphBuilder::node(const std::string& op_type, const std::string& name, std::vector<std::string> inputs,
                               const std::string& output, std::vector<Attribute> attributes) {
    NodeProto node{op_type, unique(nodes_, name), std::move(inputs), {this->name(output)}, std::move(attributes)};
    graph_.nodes.push_back(std::move(node));
    return graph_.nodes.back().outputs[0];
}

std::string GraphBuilder::add(TensorProto tensor) {
    tensor.name = name(tensor.name);
    graph_.initializers.push_back(std::move(tensor));
    return graph_.initializers.back().name;
}

std::string GraphBuilder::scalar(const std::string& name, float value) {
    return add(tensor(name, std::span<const float>(&value, 1), {}));
}

}  // namespace adaq::onnx
