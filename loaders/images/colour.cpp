// See colour.h.
#include "loaders/images/colour.h"

#include <algorithm>
#include <array>
#include <utility>

#include "engine/error.h"

namespace adaq {

namespace {

/// a * b / 255, rounded, without a division: exact for 8-bit operands.
int scaled_by(int a, int b) {
    const int product = a * b + 128;
    return ((product >> 8) + product) >> 8;
}

std::array<uint8_t, 3> grey_ramp_colour(size_t i) {
    const auto grey = static_cast<uint8_t>(i);
    return {grey, grey, grey};
}

}  // namespace

void rgb_to_grey(const uint8_t* rgb, size_t pixels, uint8_t* grey) {
    for (size_t i = 0; i < pixels; ++i) {
        const uint32_t sum = 19595u * rgb[3 * i] + 38470u * rgb[3 * i + 1] + 7471u * rgb[3 * i + 2] + 0x8000u;
        grey[i] = static_cast<uint8_t>(sum >> 16);
    }
}

void grey_to_rgb(const uint8_t* grey, size_t pixels, uint8_t* rgb) {
    for (size_t i = 0; i < pixels; ++i) rgb[3 * i] = rgb[3 * i + 1] = rgb[3 * i + 2] = grey[i];
}

namespace {

/// One pixel; `white` is 255 - K.
void add_inks(std::array<int, 3> inks, int white, uint8_t* rgb) {
    for (size_t c = 0; c < 3; ++c) rgb[c] = static_cast<uint8_t>(std::clamp(white - scaled_by(inks[c], white), 0, 255));
}

}  // namespace

void inverted_cmyk_to_rgb(const uint8_t* cmyk, size_t pixels, uint8_t* rgb) {
    for (size_t i = 0; i < pixels; ++i) {
        const uint8_t* p = cmyk + 4 * i;
        add_inks({255 - p[0], 255 - p[1], 255 - p[2]}, p[3], rgb + 3 * i);
    }
}

void cmyk_to_rgb(const uint8_t* cmyk, size_t pixels, uint8_t* rgb) {
    for (size_t i = 0; i < pixels; ++i) {
        const uint8_t* p = cmyk + 4 * i;
        add_inks({p[0], p[1], p[2]}, 255 - p[3], rgb + 3 * i);
    }
}

void convert_channels(Image& from, int channels, Image& to) {
    if (from.channels == channels) {
        std::swap(from, to);
        return;
    }
    to.reshape(from.height, from.width, channels);
    const size_t count = from.size().pixels();
    if (channels == 1) {
        rgb_to_grey(from.pixels.data(), count, to.pixels.data());
    } else {
        grey_to_rgb(from.pixels.data(), count, to.pixels.data());
    }
}

void Palette::add(uint8_t red, uint8_t green, uint8_t blue) {
    require(size_ < kMost, "Palette: more than {} colours", kMost);
    colours_[size_++] = {red, green, blue};
}

bool Palette::is_grey_ramp() const {
    for (size_t i = 0; i < size_; ++i)
        if (colours_[i] != grey_ramp_colour(i)) return false;
    return true;
}

Palette Palette::grey_ramp() {
    Palette ramp;
    ramp.size_ = kMost;
    for (size_t i = 0; i < kMost; ++i) ramp.colours_[i] = grey_ramp_colour(i);
    return ramp;
}

void Palette::apply(const Image& indices, Image& rgb) const {
    rgb.reshape(indices.height, indices.width, 3);
    for (size_t i = 0; i < indices.pixels.size(); ++i)
        std::copy_n(colours_[indices.pixels[i]].data(), 3, rgb.pixels.data() + 3 * i);
}

}  // namespace adaq
