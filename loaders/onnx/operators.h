// The operators of an ONNX graph, each taken into the growing network or refused with the reason. operators.cpp has the
// list; layer_operators.cpp layers, norms, activations and additions; value_operators.cpp pools and what moves values
// about.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "loaders/onnx/growing_network.h"

namespace adaq::onnx {

class Operators : protected GrowingNetwork {
  public:
    using GrowingNetwork::GrowingNetwork;

  protected:
    /// What the node gives is known afterwards; what keeps it from being taken is told.
    void take(const NodeProto& node);

  private:
    using Take = void (Operators::*)(const NodeProto&);
    void pass_over(const NodeProto& node);

    struct WindowOf {
        std::vector<int64_t> kernel, stride, padding, dilation;
    };
    WindowOf window(const NodeProto& node, const Known& x, const std::vector<int64_t>& kernel);
    void expect_whole_windows(const NodeProto& node, const Known& x, const WindowOf& w);

    void convolution(const NodeProto& node);
    void gemm(const NodeProto& node);
    void matmul(const NodeProto& node);
    void linear(const NodeProto& node, bool transposed, const std::optional<Tensor>& given_bias);
    std::vector<int64_t> map_of(const Known& x, int64_t features);
    void batch_norm(const NodeProto& node);
    void relu(const NodeProto& node);
    void clip(const NodeProto& node);
    void activation(const NodeProto& node, double lowest, std::optional<double> highest);
    void addition(const NodeProto& node);
    void add_bias(const NodeProto& node, size_t constant);

    void max_pool(const NodeProto& node);
    void average_pool(const NodeProto& node);
    void global_average_pool(const NodeProto& node);
    void reduce_mean(const NodeProto& node);
    Known flattened(const NodeProto& node) const;
    void flatten(const NodeProto& node);
    void reshape(const NodeProto& node);
    void squeeze(const NodeProto& node);
    void identity(const NodeProto& node);
    void dropout(const NodeProto& node);
    void cast(const NodeProto& node);
    void constant(const NodeProto& node);
    void pad(const NodeProto& node);
    void softmax(const NodeProto& node);
};

}  // namespace adaq::onnx
