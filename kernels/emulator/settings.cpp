#include "kernels/emulator/settings.h"

#include <charconv>
#include <cstdlib>
#include <string_view>

#include "kernels/emulator/misuse.h"

namespace adaq::emulator {
namespace {

std::string_view text_of(const char* name) {
    const char* text = std::getenv(name);
    return text ? text : "";
}

[[noreturn]] void refuse(const char* name, std::string_view text, const char* expected) {
    throw Misuse(fmt::format("{}={}: expected {}", name, text, expected));
}

int read_multiprocessors(int otherwise) {
    constexpr const char* kName = "ADAQ_EMULATOR_MULTIPROCESSORS";
    const std::string_view text = text_of(kName);
    if (text.empty()) return otherwise;
    int count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (error != std::errc() || end != text.data() + text.size() || count < 1)
        refuse(kName, text, "a number of at least 1");
    return count;
}

bool read_share_memory() {
    constexpr const char* kName = "ADAQ_EMULATOR_SHARE_MEMORY";
    const std::string_view text = text_of(kName);
    if (!text.empty() && text != "0" && text != "1") refuse(kName, text, "0 or 1");
    return text == "1";
}

Sums read_sums() {
    constexpr const char* kName = "ADAQ_EMULATOR_SUMS";
    const std::string_view text = text_of(kName);
    if (text.empty() || text == "rounded") return Sums::rounded;
    if (text == "ampere") return Sums::ampere;
    if (text == "hopper") return Sums::hopper;
    refuse(kName, text, "rounded, ampere or hopper");
}

}  // namespace

Settings settings_of_environment() {
    return {read_multiprocessors(Settings().multiprocessors), read_share_memory(), read_sums()};
}

Settings& settings() {
    static Settings chosen = settings_of_environment();
    return chosen;
}

}  // namespace adaq::emulator
