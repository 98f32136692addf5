// What keeps an ONNX graph from being taken: nodes with their reasons, and the sentence of all of them.
#pragma once

#include <fmt/format.h>

#include <string>
#include <vector>

#include "loaders/onnx/message.h"

namespace adaq::onnx {

/// Why one node is not taken.
struct Refusal {
    std::string why;
    bool of_input = false;  // what the node reads is at fault
};

template <typename... Args>
[[noreturn]] void refuse_node(fmt::format_string<Args...> text, Args&&... args) {
    throw Refusal{fmt::format(text, std::forward<Args>(args)...)};
}
/// The same where another value to read would do. It is not told where that value stands in for what an operator that
/// is not known gives.
template <typename... Args>
[[noreturn]] void refuse_input(fmt::format_string<Args...> text, Args&&... args) {
    throw Refusal{fmt::format(text, std::forward<Args>(args)...), true};
}

/// The node's name, or "output y" where it has none.
std::string place_of(const NodeProto& node);

class Refusals {
  public:
    void add(const NodeProto& node, const std::string& why);
    bool empty() const { return count_ == 0; }
    size_t count() const { return count_; }
    /// "Sigmoid (16 nodes, first /a/b): no such operator is known; ...": nodes of one operator and reason together.
    std::string sentence() const;

  private:
    struct Group {
        std::string op_type, first, why;
        size_t nodes = 1;
    };
    std::vector<Group> groups_;
    size_t count_ = 0;
};

}  // namespace adaq::onnx
