// Metadata from the command line; see metadata.h.
#include "tools/convert/metadata.h"

#include <fmt/format.h>

#include "loaders/channel_values.h"
#include "loaders/datasets/class_names.h"
#include "loaders/weights/flat_header.h"

namespace adaq {
namespace {

constexpr int kColours = 3;

std::string option(const char* name, const std::vector<float>& values) {
    return fmt::format("{} {}", name, fmt::join(values, ","));
}

bool gives_preprocessing(const MetadataOptions& options) {
    return options.resize || options.crop || !options.interpolation.empty() || !options.mean.empty() ||
           !options.std.empty();
}

}  // namespace

void check_usage(const MetadataOptions& options) {
    if (!options.mean.empty()) (void)parse_means(options.mean);
    if (!options.std.empty()) (void)parse_deviations(options.std);
}

std::vector<std::string> apply(const MetadataOptions& options, bool pixels, StoredModel& model) {
    if (!options.classes.empty()) {
        model.class_names = read_class_names(options.classes);
        check_class_names(options.classes, model.class_names, classes_of(model.graph));
    }
    const bool by_default = pixels && !model.preprocessing && model.graph.input_channels == kColours;
    if (!gives_preprocessing(options) && !by_default) return {};
    Preprocessing preprocessing = model.preprocessing.value_or(Preprocessing{});
    if (options.resize) preprocessing.resize = *options.resize;
    if (options.crop) preprocessing.crop = *options.crop;
    if (!options.interpolation.empty())
        preprocessing.interpolation = interpolation_named(options.interpolation).value();
    if (!options.mean.empty()) preprocessing.mean = parse_means(options.mean);
    if (!options.std.empty()) preprocessing.std = parse_deviations(options.std);
    check_channels("--mean", preprocessing.mean, model.graph.input_channels);
    check_channels("--std", preprocessing.std, model.graph.input_channels);
    std::vector<std::string> defaults;
    if (by_default && options.mean.empty()) defaults.push_back(option("--mean", preprocessing.mean));
    if (by_default && options.std.empty()) defaults.push_back(option("--std", preprocessing.std));
    model.preprocessing = std::move(preprocessing);
    if (defaults.empty()) return {};
    return {fmt::format("Pixels are normalised with {}, by default.", fmt::join(defaults, " and "))};
}

}  // namespace adaq
