// See image_sets.h and adaq/images.h.
#include "adaq/data/image_sets.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <tuple>

#include "adaq/data/own_images.h"
#include "adaq/settings/option_names.h"
#include "adaq/settings/option_table.h"
#include "adaq/state/guarded.h"
#include "adaq/state/model_state.h"
#include "engine/error.h"
#include "engine/printable.h"
#include "loaders/channel_values.h"
#include "loaders/weights/flat_header.h"

namespace adaq {
namespace {

std::optional<ClassOrder> class_order_of(const ImageOptions& o) {
    if (!o.class_order) return std::nullopt;
    check_word("class_order", *o.class_order);
    return kClassOrders.at(*o.class_order);
}

void check_values(const ImageOptions& o) {
    if (o.interpolation) check_word("interpolation", *o.interpolation);
    if (o.resize) check_number("resize", *o.resize);
    if (o.crop) check_number("crop", *o.crop);
    check_number("label_offset", o.label_offset);
    check_number("val_images", static_cast<double>(o.val_images));
    for (const float mean : o.mean)
        if (!is_mean(mean)) usage_error("`mean` {}: expected {}", mean, kMeanLimits);
    for (const float deviation : o.std)
        if (!is_deviation(deviation)) usage_error("`std` {}: expected {}", deviation, kDeviationLimits);
}

/// What does not go together; above all, what says nothing of the caller's own images.
void check_sources(const ImageOptions& o) {
    for (const auto& [own, path, name] : {std::tuple(&o.own_calib, &o.calib, "calib"), {&o.own_val, &o.val, "val"}})
        if (own->count != 0 && !path->empty()) usage_error("`own_{0}`: `{0}` is given, too", name);
    if (!o.val_labels.empty() && o.val.empty())
        usage_error("`val_labels` {}: is of a `val` folder, and there is none", printable(o.val_labels));
    const bool own_alone = o.calib.empty() && o.val.empty() && (o.own_calib.count != 0 || o.own_val.count != 0);
    if (o.class_order && own_alone)
        usage_error("`class_order` {}: is of class folders, and the caller's own images have none", *o.class_order);
}

}  // namespace

bool ImageSets::calibrates() const { return state_->calibration() != nullptr; }
bool ImageSets::validates() const { return state_->validation() != nullptr; }

int64_t ImageSets::calibration_count() const { return calibrates() ? state_->calibration()->size() : 0; }

int64_t ImageSets::validation_count() const {
    if (!validates()) return 0;
    return static_cast<int64_t>(validation_order(*state_->validation(), state_->options().val_images).size());
}

int ImageSets::height() const { return state_->size().height; }
int ImageSets::width() const { return state_->size().width; }
const std::optional<Preprocessing>& ImageSets::preprocessing() const { return state_->preprocessing(); }
const std::vector<std::string>& ImageSets::class_names() const { return state_->class_names(); }
const std::vector<std::string>& ImageSets::notes() const { return state_->notes(); }

ImageSets open_images(const Model& model, const ImageOptions& options, Workspace* workspace) {
    return guarded([&] {
        const WorkspaceOf state(workspace);
        return ImageSets(std::make_shared<const ImageSets::State>(model, options, *state));
    });
}

ImageSize ImageSets::State::size() const {
    const Dataset* images = calibration() ? calibration() : validation();
    return images ? input_size(*images, 0, inputs_) : ImageSize{0, 0};
}

ImageSets::State::State(Model model, const ImageOptions& options, Workspace::State& workspace)
    : handle_(std::move(model)),
      model_(handle_.state().stored),
      options_(options),
      class_order_(class_order_of(options)),
      workspace_(&workspace),
      class_names_(model_.class_names) {
    check_values(options_);
    check_sources(options_);
    if (!options_.classes.empty()) {
        about("classes", [&] {
            class_names_ = read_class_names(options_.classes);
            check_class_names(options_.classes, class_names_, classes_of(model_.graph));
        });
        if (!model_.class_names.empty() && model_.class_names != class_names_)
            notes_.push_back(fmt::format("Class names are those of `classes` {}, not the weights file's.",
                                         printable(options_.classes)));
    }
    if (options_.calibrates) {
        if (options_.own_calib.count != 0)
            calibration_ = own(options_.own_calib, "own_calib");
        else if (!options_.calib.empty())
            calibration_ = about("calib", [&] {
                return workspace_->dataset(options_.calib, dataset_options(DatasetRole::calibration));
            });
        if (calibration_) check_calibration_folders();
    }
    if (options_.own_val.count != 0)
        validation_ = own(options_.own_val, "own_val");
    else if (!options_.val.empty())
        validation_ = about("val", [&] { return open_validation(); });
    if (validation_) about("val", [&] { check_validation_labels(); });
    check_own_sizes();
    settle_preprocessing();
    compare_with_model();
    workspace_ = nullptr;
}

void ImageSets::State::check_calibration_folders() {
    const int64_t folders = std::ssize(calibration()->class_names());
    if (calibration()->label_source() == LabelSource::places && folders != classes_of(model_.graph))
        notes_.push_back(
            fmt::format("The calibration images are in {} class folders, while the network has {} classes.", folders,
                        classes_of(model_.graph)));
}

/// Inputs are not resized to each other's size.
void ImageSets::State::check_own_sizes() const {
    if (!calibration() || !validation() || !(calibration()->holds_inputs() || validation()->holds_inputs())) return;
    const ImageSize a = input_size(*calibration(), 0, inputs_), b = input_size(*validation(), 0, inputs_);
    if (a != b)
        usage_error("`own_val`: {}x{} pixels, while calibration images have {}x{}", b.width, b.height, a.width,
                    a.height);
}

ImageSets::State::Opened ImageSets::State::own(const OwnImages& images, const std::string& name) const {
    const auto channels = static_cast<int>(model_.graph.input_channels);
    return std::make_shared<const OpenedSet>(
        "", own_image_set(images, channels, options_.label_offset, name),
        [channels](const Dataset& dataset, const std::string&) { return crc32_of_own_images(dataset, channels); });
}

DatasetOptions ImageSets::State::dataset_options(DatasetRole role) const {
    DatasetOptions options;
    options.role = role;
    options.class_names = class_names_;
    options.classes = classes_of(model_.graph);
    options.class_order = class_order_;
    options.label_offset = options_.label_offset;
    return options;
}

ImageSets::State::Opened ImageSets::State::open_validation() {
    DatasetOptions options = dataset_options(DatasetRole::validation);
    const std::string& labels = options.label_file = options_.val_labels;
    if (!options_.calib.empty())
        options.other_class_names = about(
            "calib", [&] { return class_folder_names(options_.calib, dataset_options(DatasetRole::calibration)); });
    try {
        return workspace_->dataset(options_.val, options);
    } catch (DataError& error) {
        if (!labels.empty() && std::string_view(error.what()).starts_with(labels)) error.set_field("val_labels");
        throw;
    }
}

void ImageSets::State::check_validation_labels() const {
    try {
        check_labels(*validation(), classes_of(model_.graph));
    } catch (const DataError& error) {
        int least = std::numeric_limits<int>::max(), most = 0;
        for (int64_t item = 0; validation()->has_labels() && item < validation()->size(); ++item) {
            least = std::min(least, validation()->label(item));
            most = std::max(most, validation()->label(item));
        }
        if (least >= 1 && most == classes_of(model_.graph))
            data_error("{}; where labels count from 1, give `label_offset` {}", error.what(),
                       options_.label_offset - 1);
        throw;
    }
}

Preprocessing ImageSets::State::with_options(Preprocessing base) {
    std::vector<std::string> instead;
    const auto take = [&]<typename Value>(const char* option, const Value& given, Value& value, const auto& text) {
        if (model_.preprocessing && given != value)
            instead.push_back(fmt::format("`{}` {} (there {})", option, text(given), text(value)));
        value = given;
    };
    const auto number = [](int value) { return fmt::format("{}", value); };
    const auto numbers = [](const std::vector<float>& values) { return fmt::format("{}", fmt::join(values, " ")); };
    if (options_.resize) take("resize", *options_.resize, base.resize, number);
    if (options_.crop) take("crop", *options_.crop, base.crop, number);
    if (options_.interpolation)
        take("interpolation", *interpolation_named(*options_.interpolation), base.interpolation,
             [](Interpolation value) { return std::string(name_of(value)); });
    const auto channels = static_cast<int>(model_.graph.input_channels);
    if (!options_.mean.empty()) {
        check_channels("`mean`", options_.mean, channels);
        take("mean", options_.mean, base.mean, numbers);
    }
    if (!options_.std.empty()) {
        check_channels("`std`", options_.std, channels);
        take("std", options_.std, base.std, numbers);
    }
    if (!instead.empty())
        notes_.push_back(fmt::format("Options go before the weights file: {}.", fmt::join(instead, ", ")));
    return base;
}

void ImageSets::State::settle_preprocessing() {
    std::vector<Opened> sets;
    for (const Opened& set : {calibration_, validation_})
        if (set && !set->dataset().holds_inputs()) sets.push_back(set);
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
        const PreprocessingChoice& choice = workspace_->preprocessing(sets);
        base.resize = choice.preprocessing.resize;
        base.crop = choice.preprocessing.crop;
        notes_.push_back(choice.sentence);
    }
    const Preprocessing before = base;
    base = with_options(std::move(base));
    if (!sets.empty() || model_.preprocessing || base != before) preprocessing_ = base;
    inputs_.preprocessing = std::move(base);
    inputs_.channels = static_cast<int>(model_.graph.input_channels);
}

/// Any size can be computed, but another than the network was made for is seldom meant.
void ImageSets::State::compare_with_model() {
    const auto [height, width] = model_.input_size();
    if (height == 0 || (!calibration() && !validation())) return;
    const ImageSize images = about(calibration() ? "calib" : "val", [&] { return size(); });
    if (images != ImageSize{height, width})
        notes_.push_back(fmt::format(
            "Images come to {}x{} pixels, while the weights file is of a network for {}x{}; `resize` and `crop` say "
            "how images are prepared.",
            images.width, images.height, width, height));
}

Tensor ImageSets::State::calibration_images(const Settings& settings, int64_t count, int threads, BatchCache& cache,
                                            const Poll& poll) const {
    const int views = settings.recipe.views;
    const std::vector<int64_t> order = calibration_order(*calibration(), settings.images);
    BatchOptions options = inputs_;
    options.threads = threads;
    options.batch = static_cast<int>(std::min(count, settings.images));
    if (settings.calib_augment) options.augment_seed = settings.seed;
    Tensor images;
    for (options.view = 0; options.view < views; ++options.view) {
        options.view_seed = options.view > 1 ? settings.seed : 0;  // those before have nothing random
        BatchSource source(calibration_, {order.begin(), order.begin() + options.batch}, options, cache);
        Batch batch, none;
        about("calib", [&] { source.next(batch, poll); });
        source.next(none);  // so that the source has come to its end, and the batch may be kept
        if (options.view == 0) {
            images = std::move(batch.images);
            images.values.reserve(images.values.size() * views);
            continue;
        }
        images.values.insert(images.values.end(), batch.images.values.begin(), batch.images.values.end());
        images.shape[0] += batch.images.shape[0];
    }
    return images;
}

BatchSource ImageSets::State::validation_images(const DeviceOptions& device, BatchCache& cache) const {
    BatchOptions options = inputs_;
    options.threads = thread_count(device.threads);
    options.batch = device.batch;
    return {validation_, validation_order(*validation(), options_.val_images), options, cache};
}

std::string ImageSets::State::preparation(const Shape& images) const {
    const Preprocessing& p = inputs_.preprocessing;
    const char* filter = p.interpolation == Interpolation::bicubic ? " (bicubic)" : "";
    std::string text = p.resize ? fmt::format("resized to {}{}, ", p.resize, filter) : "";
    if (p.crop) text += fmt::format("centre crop {}, ", p.crop);
    return fmt::format("{}{}x{} pixels, mean {}, deviation {}", text, images[1], images[2], fmt::join(p.mean, " "),
                       fmt::join(p.std, " "));
}

std::string ImageSets::State::identity(bool uses_calibration) const {
    const Preprocessing& p = inputs_.preprocessing;
    nlohmann::ordered_json identity{{"resize", p.resize}, {"crop", p.crop}, {"mean", p.mean}, {"std", p.std}};
    if (p.interpolation != Interpolation::bilinear) identity["interpolation"] = name_of(p.interpolation);
    if (calibration_ && uses_calibration) identity["calibration_images_crc32"] = calibration_->crc32();
    if (validation_) {
        identity["validation_images"] = validation_order(*validation(), options_.val_images).size();
        identity["validation_images_crc32"] = validation_->crc32();
    }
    return identity.dump();
}

}  // namespace adaq
