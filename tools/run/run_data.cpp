// See run_data.h.
#include "tools/run/run_data.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "engine/error.h"
#include "loaders/preprocessing_choice.h"
#include "tools/run/bundled.h"

namespace adaq {

RunData::RunData(const RunOptions& options, const Model& model, bool calibrates, Shared& shared)
    : options_(options), model_(model), shared_(shared) {
    std::vector<const Dataset*> sets;
    if (!options_.calib.empty() && calibrates) {
        calibration_ = open(options_.calib, DatasetRole::calibration, "");
        sets.push_back(calibration_);
    }
    if (!options_.val.empty()) {
        validation_ = open(options_.val, DatasetRole::validation, options_.val_labels);
        check_labels(*validation_, model_.architecture.classes);
        sets.push_back(validation_);
    }
    if (!sets.empty()) settle_preprocessing(sets);
}

const Dataset* RunData::open(const std::string& path, DatasetRole role, const std::string& labels) {
    if (options_.bundled_data && !std::filesystem::exists(kBundledData)) {
        data_error("{}: not there; install Debian's package dataset-fashion-mnist, or give --calib and --val",
                   kBundledData);
    }
    DatasetOptions options;
    options.role = role;
    options.label_file = labels;
    options.class_names = model_.class_names;
    options.classes = model_.architecture.classes;
    if (role == DatasetRole::validation && !options_.calib.empty())
        options.other_class_names = class_folder_names(options_.calib, {DatasetRole::calibration});
    return &shared_.dataset(path, options);
}

void RunData::settle_preprocessing(const std::vector<const Dataset*>& sets) {
    Preprocessing base = model_.preprocessing.value_or(Preprocessing{});
    const auto channels = static_cast<size_t>(model_.architecture.input_channels);
    if (!model_.preprocessing && channels == 1) {
        base.mean = {0.5f};
        base.std = {0.5f};
        notes_.push_back(
            "The weights file does not say how grey images are normalised: mean 0.5 and deviation 0.5 are assumed.");
    }
    if (!model_.preprocessing && !options_.resize && !options_.crop) {
        const PreprocessingChoice& choice = shared_.preprocessing(sets);
        base.resize = choice.preprocessing.resize;
        base.crop = choice.preprocessing.crop;
        notes_.push_back(choice.sentence);
    }
    if (options_.resize) base.resize = *options_.resize;
    if (options_.crop) base.crop = *options_.crop;
    inputs_.preprocessing = base;
    inputs_.channels = model_.architecture.input_channels;
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
    std::string text = p.resize ? fmt::format("resized to {}, ", p.resize) : "";
    if (p.crop) text += fmt::format("centre crop {}, ", p.crop);
    return fmt::format("{}{}x{} pixels, mean {}, deviation {}", text, images[1], images[2], fmt::join(p.mean, " "),
                       fmt::join(p.std, " "));
}

std::string RunData::identity(bool uses_calibration) const {
    const Preprocessing& p = inputs_.preprocessing;
    nlohmann::ordered_json identity{{"resize", p.resize}, {"crop", p.crop}, {"mean", p.mean}, {"std", p.std}};
    if (calibration_ && uses_calibration)
        identity["calibration_images_crc32"] = shared_.images_crc32(options_.calib, *calibration_);
    if (validation_) {
        identity["validation_images"] = validation_order(*validation_, options_.val_images).size();
        identity["validation_images_crc32"] = shared_.images_crc32(options_.val, *validation_);
    }
    return identity.dump();
}

}  // namespace adaq
