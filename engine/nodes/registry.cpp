// All kinds of nodes, and what their checks have in common.
#include <algorithm>
#include <array>

#include "engine/graph/node_kind.h"
#include "engine/nodes/kinds.h"
#include "engine/printable.h"

namespace adaq {
namespace {

constexpr int64_t kMostOfAWindow = 4096;

[[noreturn]] void wrong(const Node& node, std::string_view attribute, const std::string& expected) {
    data_error("{}: attribute {}, expected {}", printable(node.name), printable(attribute), expected);
}

}  // namespace

const NodeKind* find_node_kind(std::string_view name) {
    static const std::array kinds{
        &convolution_kind(), &linear_kind(),   &batch_norm_kind(),   &activation_kind(),
        &add_kind(),         &max_pool_kind(), &average_pool_kind(), &global_average_pool_kind()};
    const auto found = std::find_if(kinds.begin(), kinds.end(), [&](const NodeKind* k) { return k->name() == name; });
    return found == kinds.end() ? nullptr : *found;
}

const NodeKind& node_kind(std::string_view name) {
    const NodeKind* const kind = find_node_kind(name);
    require(kind != nullptr, "no kind of node is called {}", name);
    return *kind;
}

void expect_inputs(const Node& node, size_t count) {
    if (node.inputs.size() != count)
        data_error("{}: {} inputs, expected {}", printable(node.name), node.inputs.size(), count);
}

void expect_attributes(const Node& node, std::initializer_list<std::string_view> required,
                       std::initializer_list<std::string_view> optional) {
    for (std::string_view name : required)
        if (!node.attributes.contains(std::string(name)))
            data_error("{}: no attribute {}, which a {} has", printable(node.name), name, node.kind->name());
    const auto known = [&](std::string_view name) {
        return std::find(required.begin(), required.end(), name) != required.end() ||
               std::find(optional.begin(), optional.end(), name) != optional.end();
    };
    for (const auto& [name, value] : node.attributes)
        if (!known(name))
            data_error("{}: attribute {}, which a {} does not have", printable(node.name), printable(name),
                       node.kind->name());
}

void expect_integer(const Node& node, const std::string& attribute, int64_t lowest, int64_t highest) {
    const auto* value = std::get_if<int64_t>(&node.attributes.at(attribute));
    if (!value || *value < lowest || *value > highest)
        wrong(node, attribute, fmt::format("a whole number of {} to {}", lowest, highest));
}

void expect_list(const Node& node, const std::string& attribute, size_t count, int64_t lowest, int64_t highest) {
    const auto* values = std::get_if<std::vector<int64_t>>(&node.attributes.at(attribute));
    const auto fits = [&](int64_t value) { return value >= lowest && value <= highest; };
    if (!values || values->size() != count || !std::all_of(values->begin(), values->end(), fits))
        wrong(node, attribute, fmt::format("{} whole numbers of {} to {}", count, lowest, highest));
}

void expect_number(const Node& node, const std::string& attribute, double lowest, double highest) {
    const auto* value = std::get_if<double>(&node.attributes.at(attribute));
    if (!value || !(*value >= lowest && *value <= highest))
        wrong(node, attribute, fmt::format("a number of {} to {}", lowest, highest));
}

int64_t Window::positions(int64_t extent, size_t axis) const {
    const int64_t reach = (kernel[axis] - 1) * dilation[axis] + 1;
    const int64_t room = extent + padding[axis] + padding[axis + 2] - reach;
    if (room < 0) throw WindowTooLarge(fmt::format("a window of {} on a map of {}", reach, extent));
    return room / stride[axis] + 1;
}

Window window_of(const Node& node) {
    Window window{node.list("kernel"), node.list("stride"), node.list("padding")};
    if (node.attributes.contains("dilation")) window.dilation = node.list("dilation");
    return window;
}

void expect_window(const Node& node) {
    expect_list(node, "kernel", 2, 1, kMostOfAWindow);
    expect_list(node, "stride", 2, 1, kMostOfAWindow);
    expect_list(node, "padding", 4, 0, kMostOfAWindow);
    if (node.attributes.contains("dilation")) expect_list(node, "dilation", 2, 1, kMostOfAWindow);
}

void expect_pooling_window(const Node& node) {
    expect_window(node);
    const Window window = window_of(node);
    for (size_t side = 0; side < window.padding.size(); ++side)
        if (window.padding[side] >= window.kernel[side % 2])
            data_error("{}: a padding of {} beside a window of {}, expected less", printable(node.name),
                       window.padding[side], window.kernel[side % 2]);
}

namespace {

int narrow(int64_t value) { return static_cast<int>(value); }

}  // namespace

ConvolutionWindow convolution_window_of(const Node& node) {
    const Window w = window_of(node);
    ConvolutionWindow window{narrow(w.stride[0]), narrow(w.stride[1])};
    window.top = narrow(w.padding[0]), window.left = narrow(w.padding[1]);
    window.bottom = narrow(w.padding[2]), window.right = narrow(w.padding[3]);
    window.dilation_h = narrow(w.dilation[0]), window.dilation_w = narrow(w.dilation[1]);
    window.groups = narrow(node.integer("groups"));
    return window;
}

PoolingWindow pooling_window_of(const Node& node) {
    const Window w = window_of(node);
    return {narrow(w.kernel[0]),  narrow(w.kernel[1]),  narrow(w.stride[0]),  narrow(w.stride[1]),
            narrow(w.padding[0]), narrow(w.padding[1]), narrow(w.padding[2]), narrow(w.padding[3])};
}

}  // namespace adaq
