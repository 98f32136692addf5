// Options as text, the way they stand in a table and on a command line: taken apart, and put together again.
#pragma once

#include <string>
#include <vector>

namespace adaq {

/// An option with its values: {"--scheme", "norm"}.
using OptionWords = std::vector<std::string>;

/// Options apart, each starting with "--". Words are separated by blanks; quotes (' or ") keep blanks in a word.
/// Throws UsageError for a word before the first option, a quote without end, an option given twice, or more options
/// than adaq-run has.
std::vector<OptionWords> split_options(const std::string& text);

/// What one option replaces another by: "--w" of "--w4" and "--w", "--iters" of "--iters=300", "--fold" of "--no-fold".
std::string option_name(const OptionWords& option);

/// The options of `base` that `over` does not set, and behind them those of `over`.
std::vector<OptionWords> replaced(const std::vector<OptionWords>& base, const std::vector<OptionWords>& over);

/// As a shell would take it.
std::string joined(const std::vector<OptionWords>& options);

}  // namespace adaq
