// See run_data.h.
#include "tools/run/run_data.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>

#include "engine/error.h"
#include "engine/printable.h"
#include "loaders/channel_values.h"
#include "loaders/preprocessing_choice.h"
#include "loaders/weights/flat_header.h"
#include "tools/run/bundled.h"

namespace adaq {

RunData::RunData(const RunOptions& options, const Model& model, bool calibrates, Shared& shared)
    : options_(options), model_(model), shared_(shared), class_names_(model.class_names) {
    if (!options_.classes.empty()) {
        class_names_ = read_class_names(options_.classes);
        check_class_names(options_.classes, class_names_, classes_of(model_.graph));
        if (!model_.class_names.empty() && model_.class_names != class_names_)
            notes_.push_back(fmt::format("Class names are those of --classes {}, not the weights file's.",
                                         printable(options_.classes)));
    }
    std::vector<const Dataset*> sets;
    if (!options_.calib.empty() && calibrates) {
        calibration_ = open(options_.calib, DatasetRole::calibration, "");
        sets.push_back(calibration_);
        const size_t folders = calibration_->class_names().size();
        if (calibration_->label_source() == LabelSource::places &&
            folders != static_cast<size_t>(classes_of(model_.graph)))
            notes_.push_back(
                fmt::format("The calibration images are in {} class folders, while the network has {} classes.",
                            folders, classes_of(model_.graph)));
    }
    if (!options_.val.empty()) {
        validation_ = open(options_.val, DatasetRole::validation, options_.val_labels);
        check_validation_labels();
        sets.push_back(validation_);
    }
    settle_preprocessing(sets);
}

const Dataset* RunData::open(const std::string& path, DatasetRole role, const std::string& labels) {
    if (options_.bundled_data && !std::filesystem::exists(kBundledData)) {
        data_error("{}: not there; install Debian's package dataset-fashion-mnist, or give --calib and --val",
                   kBundledData);
    }
    DatasetOptions options;
    options.role = role;
    options.label_file = labels;
    options.class_names = class_names_;
    options.classes = classes_of(model_.graph);
    options.class_order = options_.class_order;
    options.label_offset = options_.label_offset;
    if (role == DatasetRole::validation && !options_.calib.empty()) {
        DatasetOptions calibration = options;
        calibration.role = DatasetRole::calibration;
        options.other_class_names = class_folder_names(options_.calib, calibration);
    }
    return &shared_.dataset(path, options);
}

void RunData::check_validation_labels() const {
    try {
        check_labels(*validation_, classes_of(model_.graph));
    } catch (const DataError& error) {
        int least = std::numeric_limits<int>::max(), most = 0;
        for (int64_t item = 0; validation_->has_labels() && item < validation_->size(); ++item) {
            least = std::min(least, validation_->label(item));
            most = std::max(most, validation_->label(item));
        }
        if (least >= 1 && most == classes_of(model_.graph))
            data_error("{}; where labels count from 1, give --label-offset {}", error.what(),
                       options_.label_offset - 1);
        throw;
    }
}

Preprocessing RunData::with_options(Preprocessing base) {
    std::vector<std::string> instead;
    const auto take = [&]<typename Value>(const char* option, const Value& given, Value& value, const auto& text) {
        if (model_.preprocessing && given != value)
            instead.push_back(fmt::format("{} {} (there {})", option, text(given), text(value)));
        value = given;
    };
    const auto number = [](int value) { return fmt::format("{}", value); };
    const auto numbers = [](const std::vector<float>& values) { return fmt::format("{}", fmt::join(values, " ")); };
    if (options_.resize) take("--resize", *options_.resize, base.resize, number);
    if (options_.crop) take("--crop", *options_.crop, base.crop, number);
    if (options_.interpolation)
        take("--interpolation", *options_.interpolation, base.interpolation,
             [](Interpolation value) { return std::string(name_of(value)); });
    const int channels = model_.graph.input_channels;
    if (!options_.mean.empty()) {
        check_channels("--mean", options_.mean, channels);
        take("--mean", options_.mean, base.mean, numbers);
    }
    if (!options_.std.empty()) {
        check_channels("--std", options_.std, channels);
        take("--std", options_.std, base.std, numbers);
    }
    if (!instead.empty())
        notes_.push_back(fmt::format("Options go before the weights file: {}.", fmt::join(instead, ", ")));
    return base;
}

void RunData::settle_preprocessing(const std::vector<const Dataset*>& sets) {
    Preprocessing base = model_.preprocessing.value_or(Preprocessing{});
    const bool grey = model_.graph.input_channels == 1;
    if (!model_.preprocessing && grey) {
        base.mean = {0.5f};
        base.std = {0.5f};
        if (!sets.empty() && (options_.mean.empty() || options_.std.empty()))
            notes_.push_back(
                "The weights file does not say how grey images are normalised: mean 0.5 and deviation 0.5 are "
                "assumed.");
    }
    if (!sets.empty() && !model_.preprocessing && !options_.resize && !options_.crop) {
        const PreprocessingChoice& choice = shared_.preprocessing(sets);
        base.resize = choice.preprocessing.resize;
        base.crop = choice.preprocessing.crop;
        notes_.push_back(choice.sentence);
    }
    const Preprocessing before = base;
    base = with_options(std::move(base));
    if (!sets.empty() || model_.preprocessing || base != before) preprocessing_ = base;
    inputs_.preprocessing = std::move(base);
    inputs_.channels = model_.graph.input_channels;
    inputs_.threads = options_.threads;
    inputs_.batch = options_.batch;
}

Tensor RunData::calibration_images(int64_t count, int views) const {
    const std::vector<int64_t> order = calibration_order(*calibration_, options_.images);
    BatchOptions options = inputs_;
    options.batch = static_cast<int>(std::min(count, options_.images));
    if (options_.calib_augment) options.augment_seed = options_.seed;
    Tensor images;
    for (options.view = 0; options.view < views; ++options.view) {
        options.view_seed = options.view > 1 ? options_.seed : 0;  // those before have nothing random
        BatchSource source(*calibration_, options_.calib, {order.begin(), order.begin() + options.batch}, options,
                           shared_.images());
        Batch batch, none;
        source.next(batch);
        source.next(none);  // so that the source has come to its end, and the batch may be kept
        if (options.view == 0) {
            images = std::move(batch.images);
            images.values.reserve(images.values.size() * static_cast<size_t>(views));
            continue;
        }
        images.values.insert(images.values.end(), batch.images.values.begin(), batch.images.values.end());
        images.shape[0] += batch.images.shape[0];
    }
    return images;
}

BatchSource RunData::validation_images() const {
    return {*validation_, options_.val, validation_order(*validation_, options_.val_images), inputs_, shared_.images()};
}

std::string RunData::preparation(const Shape& images) const {
    const Preprocessing& p = inputs_.preprocessing;
    const char* filter = p.interpolation == Interpolation::bicubic ? " (bicubic)" : "";
    std::string text = p.resize ? fmt::format("resized to {}{}, ", p.resize, filter) : "";
    if (p.crop) text += fmt::format("centre crop {}, ", p.crop);
    return fmt::format("{}{}x{} pixels, mean {}, deviation {}", text, images[1], images[2], fmt::join(p.mean, " "),
                       fmt::join(p.std, " "));
}

std::string RunData::identity(bool uses_calibration) const {
    const Preprocessing& p = inputs_.preprocessing;
    nlohmann::ordered_json identity{{"resize", p.resize}, {"crop", p.crop}, {"mean", p.mean}, {"std", p.std}};
    if (p.interpolation != Interpolation::bilinear) identity["interpolation"] = name_of(p.interpolation);
    if (calibration_ && uses_calibration)
        identity["calibration_images_crc32"] = shared_.images_crc32(options_.calib, *calibration_);
    if (validation_) {
        identity["validation_images"] = validation_order(*validation_, options_.val_images).size();
        identity["validation_images_crc32"] = shared_.images_crc32(options_.val, *validation_);
    }
    return identity.dump();
}

}  // namespace adaq
