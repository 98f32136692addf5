#include "support/places.h"

#include <cstdlib>

namespace adaq::test {
namespace {

std::string place(const char* variable, const char* built_in) {
    const char* set = std::getenv(variable);
    return set != nullptr && *set != '\0' ? set : built_in;
}

}  // namespace

const std::string& fixtures_folder() {
    static const std::string folder = place("ADAQ_FIXTURES", ADAQ_FIXTURES);
    return folder;
}

const std::string& source_folder() {
    static const std::string folder = place("ADAQ_SOURCE_DIR", ADAQ_SOURCE_DIR);
    return folder;
}

const std::string& programs_folder() {
    static const std::string folder = place("ADAQ_BIN_DIR", ADAQ_BIN_DIR);
    return folder;
}

}  // namespace adaq::test
