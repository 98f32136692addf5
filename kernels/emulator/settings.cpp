#include "kernels/emulator/settings.h"

#include <charconv>
#include <cstdlib>
#include <limits>
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

int read_number(const char* name, int lowest, int highest, const char* expected, int otherwise) {
    const std::string_view text = text_of(name);
    if (text.empty()) return otherwise;
    int number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size() || number < lowest || number > highest)
        refuse(name, text, expected);
    return number;
}

int read_multiprocessors(int otherwise) {
    return read_number("ADAQ_EMULATOR_MULTIPROCESSORS", 1, std::numeric_limits<int>::max(), "a number of at least 1",
                       otherwise);
}

int read_capability(int otherwise) {
    return read_number("ADAQ_EMULATOR_CAPABILITY", 75, 90, "a number from 75 to 90", otherwise);
}

bool read_share_memory() {
    constexpr const char* kName = "ADAQ_EMULATOR_SHARE_MEMORY";
    const std::string_view text = text_of(kName);
    if (!text.empty() && text != "0" && text != "1") refuse(kName, text, "0 or 1");
    return text == "1";
}

ProductSums read_sums() {
    constexpr const char* kName = "ADAQ_EMULATOR_SUMS";
    const std::string_view text = text_of(kName);
    if (text.empty() || text == "rounded") return ProductSums::rounded;
    if (text == "ampere") return ProductSums::ampere;
    if (text == "hopper") return ProductSums::hopper;
    refuse(kName, text, "rounded, ampere or hopper");
}

}  // namespace

Settings settings_of_environment() {
    const Settings plain;
    return {read_multiprocessors(plain.multiprocessors), read_share_memory(), read_sums(),
            read_capability(plain.capability)};
}

Settings& settings() {
    static Settings chosen = settings_of_environment();
    return chosen;
}

}  // namespace adaq::emulator
