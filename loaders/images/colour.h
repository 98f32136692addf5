// Colour conversions with Pillow's integer arithmetic (Image.convert), so that pixels agree bit for bit.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "loaders/images/image.h"

namespace adaq {

/// RGB -> grey by ITU-R 601: (19595 R + 38470 G + 7471 B + 2^15) >> 16. `grey` may be `rgb` itself.
void rgb_to_grey(const uint8_t* rgb, size_t pixels, uint8_t* grey);

/// Grey -> RGB by repetition.
void grey_to_rgb(const uint8_t* grey, size_t pixels, uint8_t* rgb);

/// CMYK as libjpeg delivers it, inverted (the convention of Adobe's files, which Pillow assumes of all) -> RGB.
/// `rgb` may be `cmyk` itself.
void inverted_cmyk_to_rgb(const uint8_t* cmyk, size_t pixels, uint8_t* rgb);

/// CMYK -> RGB; `rgb` may be `cmyk` itself.
void cmyk_to_rgb(const uint8_t* cmyk, size_t pixels, uint8_t* rgb);

/// An image of 1 (grey) or 3 (RGB) channels in `channels` (1 or 3); where they are the same, `from`'s buffer is taken.
void convert_channels(Image& from, int channels, Image& to);

/// Colours of an image whose pixels are indices. An index beyond the colours that a file gives is black.
class Palette {
  public:
    bool operator==(const Palette&) const = default;
    void add(uint8_t red, uint8_t green, uint8_t blue);
    /// Whether colour i is the grey i, so that indices may be taken for greys (Pillow then forgets the palette).
    bool is_grey_ramp() const;
    /// Grey i for every i: what indices without a palette mean.
    static Palette grey_ramp();

    /// Turns an image of indices (one channel) into RGB.
    void apply(const Image& indices, Image& rgb) const;

    static constexpr size_t kMost = 256;

  private:
    std::array<std::array<uint8_t, 3>, kMost> colours_{};
    size_t size_ = 0;
};

}  // namespace adaq
