// See channel_values.h.
#include "loaders/channel_values.h"

#include <charconv>

#include "engine/error.h"
#include "engine/printable.h"

namespace adaq {

namespace {

constexpr std::string_view kBlanks = " \t";

std::vector<float> parse_numbers(const char* option, const std::string& text, bool (*fits)(float), const char* limits) {
    std::vector<float> numbers;
    const char *at = text.data(), *const end = at + text.size();
    const auto skip_blanks = [&] {
        const char* const from = at;
        while (at != end && kBlanks.find(*at) != std::string_view::npos) ++at;
        return at != from;
    };
    for (skip_blanks();;) {
        float number = 0.0f;
        const auto [stop, error] = std::from_chars(at, end, number);
        if (error == std::errc::invalid_argument)
            usage_error("{} is \"{}\", expected numbers with commas between them", option, printable(text));
        if (error != std::errc() || !fits(number))
            usage_error("{} is \"{}\", expected each to be {}", option, printable(text), limits);
        numbers.push_back(number);
        at = stop;
        const bool blanks = skip_blanks();
        if (at == end) return numbers;
        if (*at == ',') {
            ++at;
            skip_blanks();
        } else if (!blanks) {
            usage_error("{} is \"{}\", expected numbers with commas between them", option, printable(text));
        }
    }
}

}  // namespace

std::vector<float> parse_means(const std::string& text) {
    return parse_numbers(
        "`mean`", text, [](float v) { return is_mean(v); }, kMeanLimits);
}

std::vector<float> parse_deviations(const std::string& text) {
    return parse_numbers(
        "`std`", text, [](float v) { return is_deviation(v); }, kDeviationLimits);
}

void check_channels(const std::string& option, const std::vector<float>& values, int channels) {
    if (std::ssize(values) != channels)
        usage_error("{} has {} numbers, expected {}, one an input channel of the network", option, values.size(),
                    channels);
}

}  // namespace adaq
