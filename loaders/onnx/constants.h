// Tensors of an ONNX file as numbers that adaq computes with.
#pragma once

#include <optional>
#include <vector>

#include "engine/tensor.h"
#include "loaders/onnx/message.h"

namespace adaq::onnx {

bool is_float(const TensorProto& tensor);

/// Of floats of any width, rounded to float32. DataError naming `file` and `name` where a value is not finite, or the
/// tensor has no floats.
Tensor floats_of(const std::string& file, const std::string& name, const TensorProto& tensor);

/// The value of a tensor of one float, which may be infinite or no number; nothing of other tensors.
std::optional<double> single_float(const TensorProto& tensor);

/// Of int64 or int32; nothing of other types.
std::optional<std::vector<int64_t>> integers_of(const TensorProto& tensor);

/// The attribute, or what holds where there is none.
int64_t integer(const NodeProto& node, std::string_view name, int64_t otherwise);
double number(const NodeProto& node, std::string_view name, double otherwise);
std::string text(const NodeProto& node, std::string_view name, const std::string& otherwise);
std::vector<int64_t> integers(const NodeProto& node, std::string_view name, const std::vector<int64_t>& otherwise);
const TensorProto* tensor_of(const NodeProto& node, std::string_view name);

}  // namespace adaq::onnx
