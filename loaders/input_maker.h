// One thread's way from an item of a data set to a network's input: open, decode what is needed, resize, crop,
// normalise.
#pragma once

#include <optional>

#include "loaders/datasets/dataset.h"
#include "loaders/images/normalise.h"
#include "loaders/images/resample.h"

namespace adaq {

/// How items become inputs.
struct InputOptions {
    Preprocessing preprocessing;
    int channels = 3;  // the model's input channels: 1 (grey) or 3 (RGB)
    /// If set: RandomResizedCrop and horizontal flip (--calib-augment) instead of resize and centre crop, to the same
    /// output size, with random numbers of (seed, item) alone.
    std::optional<uint64_t> augment_seed;
    /// Else: which of an image's views (plan_view()).
    int view = 0;
    uint64_t view_seed = 0;
};

/// Height and width of the inputs that these options make of `item`. Without crop this is the (resized) image's own
/// size.
ImageSize input_size(const Dataset& dataset, int64_t item, const InputOptions& options);

class InputMaker {
  public:
    /// `size`: what every input must come out as. The data set must outlive the maker.
    InputMaker(const Dataset& dataset, const InputOptions& options, ImageSize size);

    /// Writes size.height * size.width * channels floats (HWC). Throws DataError naming the item.
    void make(int64_t item, float* out);

    /// The 8-bit pixels that make() normalises.
    const Image& make_pixels(int64_t item);

  private:
    /// Of the image that the reader has opened.
    ResizePlan plan(ImageSize image, uint64_t item) const;

    const Dataset& dataset_;
    InputOptions options_;
    ImageSize size_;
    Normaliser normaliser_;
    ImageReader reader_;
    Resampler resampler_;
    Image window_, pixels_;
};

}  // namespace adaq
