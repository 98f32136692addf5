// See colour.h.
#include "loaders/images/colour.h"

#include <algorithm>

namespace adaq {

namespace {

/// a * b / 255, rounded, without a division: exact for 8-bit operands.
int scaled_by(int a, int b) {
    const int product = a * b + 128;
    return ((product >> 8) + product) >> 8;
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

void inverted_cmyk_to_rgb(const uint8_t* cmyk, size_t pixels, uint8_t* rgb) {
    for (size_t i = 0; i < pixels; ++i) {
        const int white = cmyk[4 * i + 3];  // 255 - K
        for (size_t c = 0; c < 3; ++c) {
            const int ink = 255 - cmyk[4 * i + c];
            rgb[3 * i + c] = static_cast<uint8_t>(std::clamp(white - scaled_by(ink, white), 0, 255));
        }
    }
}

}  // namespace adaq
