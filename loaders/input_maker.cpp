// See input_maker.h.
#include "loaders/input_maker.h"

#include "engine/error.h"

namespace adaq {

ImageSize input_size(const Dataset& dataset, int64_t item, const InputOptions& options) {
    if (dataset.holds_inputs()) return dataset.image_size(item);
    return plan_evaluation(dataset.image_size(item), options.preprocessing, dataset.item_name(item)).output();
}

InputMaker::InputMaker(const Dataset& dataset, const InputOptions& options, ImageSize size)
    : dataset_(dataset), options_(options), size_(size), normaliser_(options.preprocessing, options.channels) {}

ResizePlan InputMaker::plan(ImageSize image, uint64_t item) const {
    if (options_.augment_seed) {
        ResizePlan plan = plan_augmentation(image, size_, *options_.augment_seed, item);
        plan.interpolation = options_.preprocessing.interpolation;
        return plan;
    }
    return plan_view(plan_evaluation(image, options_.preprocessing, reader_.name()), options_.view, options_.view_seed,
                     item);
}

const Image& InputMaker::make_pixels(int64_t item) {
    dataset_.open(item, reader_);
    const ImageSize image = reader_.size();
    const ResizePlan plan = this->plan(image, static_cast<uint64_t>(item));
    if (plan.output() != size_) {
        data_error("{}: {}x{} pixels, expected {}x{} like the first image (or set a crop)", reader_.name(),
                   plan.output().width, plan.output().height, size_.width, size_.height);
    }
    reader_.read(options_.channels, resampler_.prepare(plan), window_);
    resampler_.run(window_, pixels_);
    return pixels_;
}

void InputMaker::make(int64_t item, float* out) {
    if (dataset_.holds_inputs())
        dataset_.write_input(item, std::span(out, size_.pixels() * options_.channels));
    else
        normaliser_.run(make_pixels(item), out);
}

}  // namespace adaq
