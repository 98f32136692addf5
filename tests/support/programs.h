// Runs one of adaq's programs as a user does, through a shell.
#pragma once

#include <doctest/doctest.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <string>

#include "support/places.h"

namespace adaq::test {

struct Outcome {
    int status = -1;     // exit status; -1: ended by a signal
    std::string output;  // what came through the pipe
};

inline std::string program_path(const std::string& name) {
    const std::string path = test::programs_folder() + "/" + name;
    REQUIRE_MESSAGE(std::filesystem::exists(path), path << " is not built");
    return path;
}

inline Outcome run_shell(const std::string& command) {
    FILE* pipe = popen(command.c_str(), "r");
    REQUIRE(pipe != nullptr);
    Outcome outcome;
    std::array<char, 4096> buffer{};
    for (size_t count; (count = fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) {
        outcome.output.append(buffer.data(), count);
    }
    const int status = pclose(pipe);
    outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return outcome;
}

/// `streams` says what the pipe shows: "2>&1" both, "2>/dev/null" stdout alone, "2>&1 >/dev/null" stderr alone.
/// `before` stands before the program's name: "ulimit -f 10; ".
inline Outcome run_program(const std::string& name, const std::string& arguments, const std::string& streams = "2>&1",
                           const std::string& before = "") {
    return run_shell(before + "'" + program_path(name) + "' " + arguments + " " + streams);
}

}  // namespace adaq::test
