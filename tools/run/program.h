// What adaq-run and adaq-sweep have in common as programs: how they read a command line, and how they end.
#pragma once

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <new>

#include "engine/error.h"
#include "engine/printable.h"
#include "tools/run/interrupt.h"
#include "tools/run/waiting.h"

namespace adaq {

inline constexpr const char* kOutOfMemory = "out of memory; try a smaller --batch or fewer --images";

enum ExitStatus { kOk = 0, kDataError = 1, kUsageError = 2, kInterrupted = 130 };

/// False where help or the version was asked for, and printed. Throws UsageError.
inline bool read_command_line(CLI::App& app, int argc, char** argv) {
    try {
        app.parse(argc, argv);
        return true;
    } catch (const CLI::Success& message) {
        app.exit(message);
        return false;
    } catch (const CLI::ParseError& error) {
        usage_error("{}", error.what());
    }
}

/// The exit status of `work`, or of what it throws, which is told in one line on stderr.
template <typename Work>
int run_program(const char* name, char** argv, Work work) {
    const auto fail = [name](ExitStatus status, const char* what) {
        fmt::print(stderr, "{}: {}\n", name, one_line(what));  // whatever names it repeats
        return status;
    };
    wait_briefly(argv);
    try {
        return work();
    } catch (const UsageError& error) {
        return fail(kUsageError, error.what());
    } catch (const Interrupted& error) {
        return fail(kInterrupted, error.what());
    } catch (const std::bad_alloc&) {
        return fail(kDataError, kOutOfMemory);
    } catch (const std::exception& error) {
        return fail(kDataError, error.what());
    }
}

}  // namespace adaq
