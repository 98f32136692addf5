// Standard input, output and error of a program: there, whatever it was started with, and told when they fail.
#pragma once

#include <fmt/core.h>

#include <string>
#include <string_view>
#include <utility>

namespace adaq {

/// Takes the places of the standard streams that the program was started without, so that no file that it opens gets
/// their numbers and what is meant for them. What is written to such a stream fails. To be called before anything else.
void open_standard_streams();

/// Writes all of it to standard output. Where that fails (closed, a full disk, nobody who reads), it is noted, and no
/// more is written there: a program's other results are not to suffer.
void write_to_stdout(std::string_view text);

/// What was noted, as a sentence; empty: all went well.
std::string stdout_failure();

/// The same, formatted.
template <typename... Args>
void print(fmt::format_string<Args...> format, Args&&... args) {
    write_to_stdout(fmt::format(format, std::forward<Args>(args)...));
}

/// One line on standard error, "program: sentence"; what names in it may hold is escaped. Does what it can.
void complain(std::string_view program, std::string_view sentence);

}  // namespace adaq
