// Names of an ONNX graph's nodes as adaq has them: those of the modules that an exporter saw.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "loaders/onnx/message.h"

namespace adaq::onnx {

/// "layer1.0.conv1" of the weight "layer1.0.conv1.weight"; else of the node "/layer1/layer1.0/conv1/Conv"; else the
/// node's own name, or the operator's where it has none.
std::string name_of_layer(const NodeProto& node, const std::string& weight);
/// The same without a weight.
std::string name_of_node(const NodeProto& node);

/// Names that differ: where one comes again it is numbered.
class DistinctNames {
  public:
    std::string take(const std::string& name);

  private:
    std::set<std::string> taken_{"input"};
};

/// The longest beginning that both have in common, up to a dot: "layer1.0" of "layer1.0.conv1" and "layer1.0.conv2".
std::string common_module(std::string_view a, std::string_view b);

}  // namespace adaq::onnx
