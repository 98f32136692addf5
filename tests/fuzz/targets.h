// What fuzzers and the seeds' test feed: one target a parser. A target takes any bytes; it may refuse them by the
// errors that a user may see, and must do nothing else: no crash, no other exception, no pixel that no byte stands for.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace adaq::fuzz {

struct Target {
    std::string name;                             // also the folder of its seeds
    std::vector<std::string> fixtures;            // files and folders of tests/fixtures that are seeds, too
    bool (*run)(std::span<const uint8_t> input);  // whether it was taken; std::logic_error on what must not be
};

const std::vector<Target>& targets();

/// The target of that name. Throws std::invalid_argument.
const Target& target(const std::string& name);

}  // namespace adaq::fuzz
