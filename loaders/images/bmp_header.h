// What stands before a BMP file's pixels.
#pragma once

#include "loaders/images/byte_reader.h"
#include "loaders/images/colour.h"

namespace adaq {

enum class BmpCompression { none, rle8, rle4 };

struct BmpHeader {
    int width = 0, height = 0;
    bool from_top = false;  // rows are stored from the top, else from the bottom
    int bits = 0;           // of a pixel
    BmpCompression compression = BmpCompression::none;
    size_t pixels_at = 0;
    size_t stride = 0;  // bytes of a row with what fills it up

    // Of 16 bits: five or six of green. Of 24 and 32: the bytes of red, green and blue.
    int green_bits = 5;
    int red_byte = 2, green_byte = 1, blue_byte = 0;

    Palette palette;  // of 1, 4 and 8 bits
};

/// Windows' headers of 40 to 124 bytes and OS/2's of 12 and 64. Throws DataError.
BmpHeader read_bmp_header(ByteSpan bytes, const std::string& name);

/// RLE4 and RLE8: fills `indices`, of the image's size, rows from the file's first to its last. Throws DataError.
void decode_bmp_rle(ByteSpan bytes, const std::string& name, const BmpHeader& header, Image& indices);

inline constexpr const char* kBmpFormat = "BMP";

}  // namespace adaq
