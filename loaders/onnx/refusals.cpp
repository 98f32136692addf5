#include "loaders/onnx/refusals.h"

#include <algorithm>

#include "engine/printable.h"

namespace adaq::onnx {
namespace {

constexpr size_t kMostGroups = 20;  // that are told one by one

}  // namespace

std::string place_of(const NodeProto& node) {
    if (!node.name.empty() || node.outputs.empty()) return printable(node.name);
    return "output " + printable(node.outputs[0]);
}

void Refusals::add(const NodeProto& node, const std::string& why) {
    ++count_;
    const auto found = std::find_if(groups_.begin(), groups_.end(), [&](const Group& group) {
        return group.op_type == node.op_type && group.why == why;
    });
    if (found != groups_.end())
        ++found->nodes;
    else if (groups_.size() < kMostGroups)
        groups_.push_back({node.op_type, place_of(node), why});
}

std::string Refusals::sentence() const {
    std::string all;
    size_t told = 0;
    for (const Group& group : groups_) {
        const std::string where =
            group.nodes == 1 ? group.first : fmt::format("{} nodes, first {}", group.nodes, group.first);
        all += fmt::format("{}{} ({}): {}", told > 0 ? "; " : "", printable(group.op_type), where, group.why);
        told += group.nodes;
    }
    if (told < count_) all += fmt::format("; and {} more", count_ - told);
    return all;
}

}  // namespace adaq::onnx
