#include "loaders/onnx/layer_names.h"

#include <algorithm>

namespace adaq::onnx {
namespace {

constexpr size_t kLongest = 200;

/// "/layer1/layer1.0/conv1/Conv" -> "layer1.0.conv1": a part goes on with the one before it, or names a module within.
std::string module_of(std::string_view path) {
    std::string outer, last;
    for (size_t begin = 1; begin < path.size();) {
        const size_t end = path.find('/', begin);
        if (end == std::string_view::npos) break;  // the operator
        const std::string part(path.substr(begin, end - begin));
        if (!last.empty() && !part.starts_with(last + ".")) outer += last + ".";
        last = part;
        begin = end + 1;
    }
    return outer + last;
}

/// Letters, digits, and what else stands in names of modules.
std::string tidied(std::string name) {
    std::replace_if(
        name.begin(), name.end(),
        [](unsigned char c) { return std::isalnum(c) == 0 && c != '.' && c != '_' && c != '-' && c != ':'; }, '_');
    if (name.size() > kLongest) name.resize(kLongest);
    return name;
}

}  // namespace

std::string name_of_node(const NodeProto& node) {
    std::string name = node.name.starts_with('/') ? module_of(node.name) : node.name;
    if (name.starts_with("node_")) name = name.substr(5);
    return tidied(name.empty() ? node.op_type : name);
}

std::string name_of_layer(const NodeProto& node, const std::string& weight) {
    constexpr std::string_view kWeight = ".weight";
    if (weight.ends_with(kWeight) && weight.size() > kWeight.size() && weight.find("::") == std::string::npos)
        return tidied(weight.substr(0, weight.size() - kWeight.size()));
    return name_of_node(node);
}

std::string DistinctNames::take(const std::string& name) {
    std::string free = name;
    for (int number = 2; !taken_.insert(free).second; ++number) free = name + "_" + std::to_string(number);
    return free;
}

std::string common_module(std::string_view a, std::string_view b) {
    size_t common = 0, end = 0;
    while (common < a.size() && common < b.size() && a[common] == b[common]) {
        if (a[common] == '.') end = common;
        ++common;
    }
    const auto ends = [&](std::string_view name) { return common == name.size() || name[common] == '.'; };
    return std::string(a.substr(0, ends(a) && ends(b) ? common : end));
}

}  // namespace adaq::onnx
