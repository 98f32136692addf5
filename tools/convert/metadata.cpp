// Metadata from the command line; see metadata.h.
#include "tools/convert/metadata.h"

#include <charconv>
#include <cmath>
#include <filesystem>
#include <fstream>

#include "engine/error.h"
#include "loaders/weights/flat_header.h"

namespace adaq {
namespace {

std::vector<float> parse_numbers(const std::string& option, const std::string& text) {
    std::vector<float> numbers;
    for (const char *at = text.data(), *end = at + text.size();; ++at) {
        float number = 0.0f;
        const auto [stop, error] = std::from_chars(at, end, number);
        if (error != std::errc() || (stop != end && *stop != ',') || !std::isfinite(number))
            usage_error("{} is \"{}\", expected numbers with commas between them", option, text);
        numbers.push_back(number);
        if (stop == end) return numbers;
        at = stop;
    }
}

std::vector<float> parse_deviations(const std::string& text) {
    std::vector<float> numbers = parse_numbers("--std", text);
    for (float number : numbers)
        if (!(number > 0.0f)) usage_error("--std is \"{}\", expected positive numbers", text);
    return numbers;
}

void check_channels(const std::string& option, const std::vector<float>& values, int channels) {
    if (values.size() != static_cast<size_t>(channels))
        usage_error("{} has {} numbers, expected {}, one an input channel of the network", option, values.size(),
                    channels);
}

/// Lines without the white space at their ends; empty ones do not count.
std::vector<std::string> read_names(const std::string& path) {
    std::ifstream file(path);
    if (!file || !std::filesystem::is_regular_file(path)) data_error("{}: cannot be read, expected class names", path);
    std::vector<std::string> names;
    for (std::string line; std::getline(file, line);) {
        const size_t first = line.find_first_not_of(" \t\r"), last = line.find_last_not_of(" \t\r");
        if (first != std::string::npos) names.push_back(line.substr(first, last - first + 1));
    }
    if (names.empty()) data_error("{}: no class names, expected one a line", path);
    return names;
}

bool gives_preprocessing(const MetadataOptions& options) {
    return options.resize || options.crop || !options.mean.empty() || !options.std.empty();
}

}  // namespace

void check_usage(const MetadataOptions& options) {
    if (!options.mean.empty()) (void)parse_numbers("--mean", options.mean);
    if (!options.std.empty()) (void)parse_deviations(options.std);
}

void apply(const MetadataOptions& options, Model& model) {
    if (!options.classes.empty()) {
        model.class_names = read_names(options.classes);
        check_class_names(options.classes, model.class_names, model.architecture);
    }
    if (!gives_preprocessing(options)) return;
    Preprocessing preprocessing = model.preprocessing.value_or(Preprocessing{});
    if (options.resize) preprocessing.resize = *options.resize;
    if (options.crop) preprocessing.crop = *options.crop;
    if (!options.mean.empty()) preprocessing.mean = parse_numbers("--mean", options.mean);
    if (!options.std.empty()) preprocessing.std = parse_deviations(options.std);
    check_channels("--mean", preprocessing.mean, model.architecture.input_channels);
    check_channels("--std", preprocessing.std, model.architecture.input_channels);
    model.preprocessing = std::move(preprocessing);
}

}  // namespace adaq
