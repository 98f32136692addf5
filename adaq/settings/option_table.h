// Refusing what an option may not be (adaq/options.h: bounds_of, words_of).
#pragma once

#include <string>

namespace adaq {

inline constexpr int kFloatBits = 32;  // what "float" is as a number of bits

/// UsageError, naming the field.
void check_number(const std::string& field, double value);
/// The same of bits that may be kFloatBits.
void check_bits(const std::string& field, int bits);
void check_word(const std::string& field, const std::string& word);

}  // namespace adaq
