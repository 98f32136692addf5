// See pixel_input.h.
#include "loaders/onnx/pixel_input.h"

#include <algorithm>
#include <cmath>

#include "engine/error.h"
#include "engine/printable.h"
#include "loaders/onnx/constants.h"

namespace adaq::onnx {
namespace {

constexpr float kFullPixel = 255.0f;
constexpr const char* kExpected =
    "a Transpose to [N, channels, height, width], a Cast to float32, a Div by 255, a Sub of means and a Div by "
    "standard "
    "deviations, one value a channel";

/// Follows a value from node to node, each the only one that reads it.
class Chain {
  public:
    Chain(const std::string& file, const GraphProto& graph, const ValueInfo& input)
        : file_(file), graph_(graph), input_(input.name) {
        made_.normalised = input.name;
    }

    void transpose() {
        if (integers(next("Transpose"), "perm", {}) != std::vector<int64_t>{0, 3, 1, 2}) refuse();
    }
    void cast() {
        if (integer(next("Cast"), "to", 0) != static_cast<int64_t>(DataType::float32)) refuse();
    }
    void divide_by_full() {
        if (constant(next("Div")).values != std::vector<float>{kFullPixel}) refuse();
    }
    /// channels: as many values there have to be; 0: any number.
    std::vector<float> a_channel_each(const char* op_type, size_t channels) {
        const Tensor found = constant(next(op_type));
        const size_t count = found.values.size();
        const bool of_channels = found.shape == Shape{1, std::ssize(found.values), 1, 1};
        if (count == 0 || !of_channels || (channels != 0 && count != channels)) refuse();
        if (!std::all_of(found.values.begin(), found.values.end(), [](float v) { return std::isfinite(v); })) refuse();
        return found.values;
    }
    [[noreturn]] void refuse() const {
        const std::string where = at_ ? fmt::format("{} ({})", printable(at_->op_type), printable(at_->name)) : "none";
        data_error("{}: its input {} has pixels, and of what normalises them {} is another step, expected {}", file_,
                   printable(input_), where, kExpected);
    }
    PixelInput& made() { return made_; }

  private:
    const NodeProto& next(const char* op_type) {
        at_ = nullptr;
        for (const NodeProto& node : graph_.nodes) {
            if (std::count(node.inputs.begin(), node.inputs.end(), made_.normalised) == 0) continue;
            if (at_) refuse();
            at_ = &node;
        }
        const bool domain = at_ && (at_->domain.empty() || at_->domain == "ai.onnx");
        if (!domain || at_->op_type != op_type || at_->inputs[0] != made_.normalised || at_->outputs.size() != 1)
            refuse();
        made_.nodes.insert(at_);
        made_.normalised = at_->outputs[0];
        return *at_;
    }
    Tensor constant(const NodeProto& node) const {
        if (node.inputs.size() != 2) refuse();
        const auto found = std::find_if(graph_.initializers.begin(), graph_.initializers.end(),
                                        [&](const TensorProto& tensor) { return tensor.name == node.inputs[1]; });
        if (found == graph_.initializers.end() || !is_float(*found)) refuse();
        return floats_of(file_, found->name, *found);
    }

    const std::string& file_;
    const GraphProto& graph_;
    std::string input_;
    const NodeProto* at_ = nullptr;
    PixelInput made_;
};

}  // namespace

PixelInput pixel_input(const std::string& file, const GraphProto& graph, const ValueInfo& input) {
    if (input.dims.size() != 4)
        data_error("{}: its input {} has {} dimensions, expected pixels [N, height, width, channels]", file,
                   printable(input.name), input.dims.size());
    const std::vector<Dimension>& given = input.dims;
    Chain chain(file, graph, input);
    chain.transpose();
    chain.cast();
    chain.divide_by_full();
    PixelInput& made = chain.made();
    const auto* channels = std::get_if<int64_t>(&given[3]);
    made.mean = chain.a_channel_each("Sub", channels && *channels > 0 ? static_cast<size_t>(*channels) : 0);
    made.std = chain.a_channel_each("Div", made.mean.size());
    if (*std::min_element(made.std.begin(), made.std.end()) <= 0.0f) chain.refuse();
    made.dims = {given[0], std::ssize(made.mean), given[1], given[2]};
    return std::move(made);
}

}  // namespace adaq::onnx
