// The tables of the HTML page, each with all numbers of one part of the report.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "adaq/report.h"

namespace adaq::report {

/// Cells are foreign text, escaped here; the first row is the header.
using Cells = std::vector<std::vector<std::string>>;

/// A table that scrolls sideways by itself where the screen is narrow.
std::string table_of(const Cells& rows, std::string_view css_class = "");

/// Two columns of foreign text, a name and its value. Pairs without a value are left out; "" if all are.
std::string words_table(const std::vector<std::pair<std::string, std::string>>& pairs);

std::string accuracy_table(const Report& report);
std::string weights_table(const Report& report);
std::string activations_table(const Report& report);
std::string learning_table(const Report& report);
std::string sizes_table(const Report& report);
std::string time_table(const Report& report);

/// The settings' JSON object as a table. Throws std::logic_error where it is none.
std::string settings_table(const Report& report);
std::string environment_table(const Report& report);

}  // namespace adaq::report
