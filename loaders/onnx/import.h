// Float networks from ONNX files, as PyTorch's exporters and adaq write them: the way in. onnx.h has the way out.
#pragma once

#include <string>
#include <vector>

#include "engine/graph/model.h"
#include "loaders/onnx/message.h"

namespace adaq::onnx {

struct Imported {
    StoredModel model;
    std::vector<std::string> notes = {};  // sentences: what was left out
};

/// The network of a file, its units found by structure (units.h). Operators: Conv, Gemm, MatMul, BatchNormalization,
/// Relu, Clip, Add, MaxPool, AveragePool, GlobalAveragePool, ReduceMean over maps, and what moves values about:
/// Flatten, Reshape, Squeeze, Pad, Identity, Dropout, Constant, Cast to float32; a Softmax at the end is left out.
/// Nodes may stand in any order. Preprocessing and class names are taken where adaq wrote them. DataError naming
/// `file`, with every node that cannot be taken and why, or where there is no network in it.
Imported import_network(const std::string& file, const ModelProto& onnx);

}  // namespace adaq::onnx
