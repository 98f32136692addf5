// What tests ask of messages.
#pragma once
#include <string>

namespace adaq::test {

inline bool mentions(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// How a state dict is refused that is no network of the families.
inline std::string other_networks() { return "; other networks are taken as ONNX (docs/networks.md)"; }

}  // namespace adaq::test
