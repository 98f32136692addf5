// Which operators there are; see operators.h.
#include "loaders/onnx/operators.h"

#include <map>
#include <set>

namespace adaq::onnx {

void Operators::take(const NodeProto& node) {
    static const std::map<std::string, Take, std::less<>> kOperators{
        {"Conv", &Operators::convolution},
        {"Gemm", &Operators::gemm},
        {"MatMul", &Operators::matmul},
        {"BatchNormalization", &Operators::batch_norm},
        {"Relu", &Operators::relu},
        {"Clip", &Operators::clip},
        {"Add", &Operators::addition},
        {"Sum", &Operators::addition},
        {"MaxPool", &Operators::max_pool},
        {"AveragePool", &Operators::average_pool},
        {"GlobalAveragePool", &Operators::global_average_pool},
        {"ReduceMean", &Operators::reduce_mean},
        {"Flatten", &Operators::flatten},
        {"Reshape", &Operators::reshape},
        {"Squeeze", &Operators::squeeze},
        {"Pad", &Operators::pad},
        {"Identity", &Operators::identity},
        {"Dropout", &Operators::dropout},
        {"Constant", &Operators::constant},
        {"Cast", &Operators::cast},
        {"Softmax", &Operators::softmax},
    };
    static const std::set<std::string, std::less<>> kOfShapes{"Shape",  "Gather", "Slice", "Unsqueeze",
                                                              "Concat", "Cast",   "Range", "Size"};
    try {
        const bool own = node.domain.empty() || node.domain == "ai.onnx";
        const auto found = kOperators.find(node.op_type);
        if (own && kOfShapes.contains(node.op_type) && (node.op_type == "Shape" || reads_shape(node)))
            return set(node, {Form::shape, 0});
        if (!own || found == kOperators.end()) return pass_over(node);
        if (reads_refused(node)) return set(node, {Form::refused});
        (this->*found->second)(node);
    } catch (const Refusal& refusal) {
        if (!refusal.of_input || !reads_stand_in(node)) refusals_.add(node, refusal.why);
        set(node, {Form::refused});
    } catch (const DataError& error) {
        if (refusals_.empty()) throw;  // else it comes of what stands in for a node
        set(node, {Form::refused});
    }
}

/// An operator that is not known: what it reads stands in for what it gives, so that nodes behind it are looked at.
void Operators::pass_over(const NodeProto& node) {
    const bool strided = node.name.find("as_strided") != std::string::npos;
    refusals_.add(node, strided ? "of a network or image that is not contiguous, expected both contiguous at the export"
                                : "no such operator is known");
    const auto found = node.inputs.empty() ? values_.end() : values_.find(node.inputs[0]);
    Known value = found == values_.end() ? Known{Form::refused} : found->second;
    value.stands_in = true;
    set(node, value);
}

}  // namespace adaq::onnx
