// Colour conversions with Pillow's integer arithmetic (Image.convert), so that pixels agree bit for bit.
#pragma once

#include <cstddef>
#include <cstdint>

namespace adaq {

/// RGB -> grey by ITU-R 601: (19595 R + 38470 G + 7471 B + 2^15) >> 16. `grey` may be `rgb` itself.
void rgb_to_grey(const uint8_t* rgb, size_t pixels, uint8_t* grey);

/// Grey -> RGB by repetition.
void grey_to_rgb(const uint8_t* grey, size_t pixels, uint8_t* rgb);

/// CMYK as libjpeg delivers it, inverted (the convention of Adobe's files, which Pillow assumes of all) -> RGB.
/// `rgb` may be `cmyk` itself.
void inverted_cmyk_to_rgb(const uint8_t* cmyk, size_t pixels, uint8_t* rgb);

}  // namespace adaq
