// An ONNX graph while it is made: tensors and nodes of unique names.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "loaders/onnx/message.h"

namespace adaq::onnx {

class GraphBuilder {
  public:
    /// A name that no tensor has yet: the one that is wanted, or with a number behind it.
    std::string name(const std::string& wanted) { return unique(tensors_, wanted); }

    /// Adds a node of one output and returns the output's name. Names are made unique.
    std::string node(const std::string& op_type, const std::string& name, std::vector<std::string> inputs,
                     const std::string& output, std::vector<Attribute> attributes = {});

    /// Adds a tensor and returns its name, which is made unique.
    std::string add(TensorProto tensor);
    /// The same of one float, of no dimensions.
    std::string scalar(const std::string& name, float value);

    GraphProto& graph() { return graph_; }

  private:
    static std::string unique(std::set<std::string>& taken, const std::string& wanted);

    GraphProto graph_;
    std::set<std::string> tensors_, nodes_;
};

}  // namespace adaq::onnx
