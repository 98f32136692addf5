// How adaq's programs read their command lines: CLI11, and stricter. An empty value, a value that is the next option,
// an option given twice and one given with its opposite are refused; bounds are told in plain words.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

namespace adaq {

/// Type name of an option whose value may look like an option.
inline constexpr const char* kOptionsAsValue = "OPTIONS";

/// --version, as every program has it.
void add_version_flag(CLI::App& app);

/// False where help or the version was asked for, and printed. Throws UsageError.
bool read_command_line(CLI::App& app, int argc, const char* const* argv);

// To be given to CLI::Option::transform(), for they put numbers as CLI11 reads them.

/// Whole numbers, in decimal or hexadecimal (0x10). most: no more than what the option's variable can hold.
CLI::Validator whole_number(int64_t least, uint64_t most);

/// 2 to 8, or 32 for float.
CLI::Validator bits_or_float();

/// Finite numbers.
CLI::Validator number(double least, double most);

/// What bounds_of() says of a field (adaq/options.h), whole numbers where both bounds are.
CLI::Validator number_of(const std::string& field);
/// What words_of() says.
CLI::Validator word_of(const std::string& field);

CLI::Validator one_of(const std::vector<std::string>& words);

/// The keys of a map.
template <typename Map>
CLI::Validator key_of(const Map& map) {
    std::vector<std::string> words;
    for (const auto& entry : map) words.push_back(entry.first);
    return one_of(words);
}

}  // namespace adaq
