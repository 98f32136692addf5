// What tests ask of messages.
#pragma once
#include <string>

namespace adaq::test {

inline bool mentions(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace adaq::test
