// The order in which the nodes of an ONNX graph follow each other.
#pragma once

#include <string>
#include <vector>

#include "loaders/onnx/message.h"

namespace adaq::onnx {

/// The nodes, each behind those whose outputs it reads, else as the file has them. ONNX asks for that order, but some
/// tools append nodes (onnxruntime's float16 converter its Casts). DataError naming `file` where nodes read each other
/// in a circle, or two give one value.
std::vector<const NodeProto*> in_data_flow(const std::string& file, const GraphProto& graph);

}  // namespace adaq::onnx
