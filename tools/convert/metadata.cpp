// Metadata from the command line; see metadata.h.
#include "tools/convert/metadata.h"

#include "loaders/channel_values.h"
#include "loaders/datasets/class_names.h"
#include "loaders/weights/flat_header.h"

namespace adaq {
namespace {

bool gives_preprocessing(const MetadataOptions& options) {
    return options.resize || options.crop || !options.interpolation.empty() || !options.mean.empty() ||
           !options.std.empty();
}

}  // namespace

void check_usage(const MetadataOptions& options) {
    if (!options.mean.empty()) (void)parse_means(options.mean);
    if (!options.std.empty()) (void)parse_deviations(options.std);
}

void apply(const MetadataOptions& options, StoredModel& model) {
    if (!options.classes.empty()) {
        model.class_names = read_class_names(options.classes);
        check_class_names(options.classes, model.class_names, classes_of(model.graph));
    }
    if (!gives_preprocessing(options)) return;
    Preprocessing preprocessing = model.preprocessing.value_or(Preprocessing{});
    if (options.resize) preprocessing.resize = *options.resize;
    if (options.crop) preprocessing.crop = *options.crop;
    if (!options.interpolation.empty())
        preprocessing.interpolation = interpolation_named(options.interpolation).value();
    if (!options.mean.empty()) preprocessing.mean = parse_means(options.mean);
    if (!options.std.empty()) preprocessing.std = parse_deviations(options.std);
    check_channels("--mean", preprocessing.mean, model.graph.input_channels);
    check_channels("--std", preprocessing.std, model.graph.input_channels);
    model.preprocessing = std::move(preprocessing);
}

}  // namespace adaq
