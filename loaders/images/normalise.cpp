// See normalise.h.
#include "loaders/images/normalise.h"

#include <cmath>

#include "engine/error.h"

namespace adaq {

Normaliser::Normaliser(const Preprocessing& preprocessing, int channels) : value_(static_cast<size_t>(channels)) {
    if (preprocessing.mean.size() != value_.size() || preprocessing.std.size() != value_.size()) {
        data_error(
            "preprocessing: {} means and {} standard deviations, expected {} of each (the model's input channels)",
            preprocessing.mean.size(), preprocessing.std.size(), channels);
    }
    for (size_t c = 0; c < value_.size(); ++c) {
        const float mean = preprocessing.mean[c], std = preprocessing.std[c];
        if (!std::isfinite(mean) || !std::isfinite(std) || !(std > 0)) {
            data_error(
                "preprocessing: mean {} and standard deviation {} of channel {}, expected finite ones, the latter "
                "above 0",
                mean, std, c);
        }
        for (size_t pixel = 0; pixel < 256; ++pixel)
            value_[c][pixel] = (static_cast<float>(pixel) / 255.0f - mean) / std;
    }
}

void Normaliser::run(const Image& image, float* out) const {
    require(static_cast<size_t>(image.channels) == value_.size(), "Normaliser: an image of {} channels, expected {}",
            image.channels, value_.size());
    const uint8_t* pixel = image.pixels.data();
    const uint8_t* end = pixel + image.pixels.size();
    if (image.channels == 3) {
        const auto &red = value_[0], &green = value_[1], &blue = value_[2];
        for (; pixel < end; pixel += 3, out += 3) {
            out[0] = red[pixel[0]];
            out[1] = green[pixel[1]];
            out[2] = blue[pixel[2]];
        }
        return;
    }
    for (; pixel < end; ++pixel, ++out) *out = value_[0][*pixel];
}

}  // namespace adaq
