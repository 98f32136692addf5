// What adaq's programs have in common: how they begin, and how they end.
#pragma once

#include <exception>
#include <functional>
#include <string>

namespace adaq {

/// And 128 + the signal's number behind Ctrl-C and SIGTERM.
enum ExitStatus { kOk = 0, kDataError = 1, kUsageError = 2 };

/// One sentence for a person, without the words of libraries.
std::string sentence_of(const std::exception& error);

/// The exit status of `work`, or of what it throws, which is told in one line on stderr.
int run_program(const char* name, const std::function<int()>& work);

}  // namespace adaq
