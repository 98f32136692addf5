// See bmp_header.h. What is taken and what refused follows Pillow, so that no file has other pixels here than there.
#include "loaders/images/bmp_header.h"

#include <algorithm>
#include <array>

#include "loaders/images/limits.h"

namespace adaq {

namespace {

constexpr size_t kFileHeaderBytes = 14;
constexpr uint32_t kOs2HeaderBytes = 12;
constexpr uint32_t kMostColours = 65536;  // that a header may promise
constexpr uint32_t kRgb = 0, kRle8 = 1, kRle4 = 2, kBitFields = 3;
// A row of nothing but background takes RLE two bytes; real images with such rows have others, too.
constexpr int64_t kMaxPixelsPerByte = int64_t{8} * 1024;

/// The fields as they stand in the file.
struct Fields {
    uint32_t header_bytes = 0, pixels_at = 0;
    uint32_t width = 0, height = 0, bits = 0, compression = kRgb, colours = 0;
    bool from_top = false;
    std::array<uint32_t, 4> masks{};  // red, green, blue, alpha
    size_t colour_bytes = 4;          // of a palette's entry
};

void read_os2_fields(ByteSpan bytes, Fields& fields) {
    fields.width = static_cast<uint32_t>(u16_little(bytes, 0));
    fields.height = static_cast<uint32_t>(u16_little(bytes, 2));
    fields.bits = static_cast<uint32_t>(u16_little(bytes, 6));
    fields.colour_bytes = 3;
}

void read_windows_fields(ByteSpan bytes, ByteReader& reader, Fields& fields) {
    fields.width = u32_little(bytes, 0);
    fields.height = u32_little(bytes, 4);
    fields.from_top = bytes[7] == 0xFF;  // a negative height
    if (fields.from_top) fields.height = 0u - fields.height;
    fields.bits = static_cast<uint32_t>(u16_little(bytes, 10));
    fields.compression = u32_little(bytes, 12);
    fields.colours = u32_little(bytes, 28);
    if (fields.compression != kBitFields) return;
    constexpr size_t kMasksAt = 36, kWithMasks = 48, kWithAlpha = 52;  // in a header less its first four bytes
    const size_t masks = bytes.size() >= kWithAlpha ? 4 : 3;
    const bool inside = bytes.size() >= kWithMasks;
    const ByteSpan from = inside ? bytes.subspan(kMasksAt) : reader.take(4 * masks, "colour masks");
    for (size_t i = 0; i < masks; ++i) fields.masks[i] = u32_little(from, 4 * i);
}

Fields read_fields(ByteReader& reader, const std::string& name) {
    Fields fields;
    fields.pixels_at = u32_little(reader.take(kFileHeaderBytes, "header"), 10);
    fields.header_bytes = u32_little(reader.take(4, "header"), 0);
    constexpr std::array<uint32_t, 6> kWindows{40, 52, 56, 64, 108, 124};
    const bool windows = std::find(kWindows.begin(), kWindows.end(), fields.header_bytes) != kWindows.end();
    if (!windows && fields.header_bytes != kOs2HeaderBytes)
        unsupported(name, kBmpFormat, "with a header of {} bytes", fields.header_bytes);
    const ByteSpan bytes = reader.take(fields.header_bytes - 4, "header");
    if (windows) {
        read_windows_fields(bytes, reader, fields);
    } else {
        read_os2_fields(bytes, fields);
    }
    if (fields.colours == 0 && fields.bits <= 8) fields.colours = 1u << fields.bits;
    return fields;
}

/// The layouts of 32 bits that Pillow knows; the alpha mask is one of four that leave the colours where they are.
void place_bytes(const Fields& fields, const std::string& name, BmpHeader& header) {
    struct Layout {
        std::array<uint32_t, 4> masks;
        int red, green, blue;
    };
    constexpr uint32_t kByte0 = 0xFF, kByte1 = 0xFF00, kByte2 = 0xFF0000, kByte3 = 0xFF000000;
    constexpr std::array<Layout, 8> kLayouts{{{{kByte2, kByte1, kByte0, 0}, 2, 1, 0},
                                              {{kByte3, kByte2, kByte1, 0}, 3, 2, 1},
                                              {{kByte3, kByte1, kByte0, 0}, 3, 1, 0},
                                              {{kByte3, kByte2, kByte1, kByte0}, 3, 2, 1},
                                              {{kByte0, kByte1, kByte2, kByte3}, 0, 1, 2},
                                              {{kByte2, kByte1, kByte0, kByte3}, 2, 1, 0},
                                              {{kByte3, kByte1, kByte0, kByte2}, 3, 1, 0},
                                              {{0, 0, 0, 0}, 2, 1, 0}}};
    for (const Layout& layout : kLayouts) {
        if (layout.masks != fields.masks) continue;
        header.red_byte = layout.red, header.green_byte = layout.green, header.blue_byte = layout.blue;
        return;
    }
    unsupported(name, kBmpFormat, "with colour masks {:08x} {:08x} {:08x}, alpha {:08x}", fields.masks[0],
                fields.masks[1], fields.masks[2], fields.masks[3]);
}

void apply_masks(const Fields& fields, const std::string& name, BmpHeader& header) {
    const std::array rgb{fields.masks[0], fields.masks[1], fields.masks[2]};
    if (fields.bits == 32) return place_bytes(fields, name, header);
    if (fields.bits == 24 && rgb == std::array<uint32_t, 3>{0xFF0000, 0xFF00, 0xFF}) return;
    if (fields.bits == 16 && rgb == std::array<uint32_t, 3>{0x7C00, 0x3E0, 0x1F}) return;
    if (fields.bits == 16 && rgb == std::array<uint32_t, 3>{0xF800, 0x7E0, 0x1F}) {
        header.green_bits = 6;
        return;
    }
    unsupported(name, kBmpFormat, "of {} bits with colour masks {:x} {:x} {:x}", fields.bits, rgb[0], rgb[1], rgb[2]);
}

void choose_compression(const Fields& fields, const std::string& name, BmpHeader& header) {
    const bool rle = (fields.compression == kRle8 && fields.bits == 8) ||  //
                     (fields.compression == kRle4 && fields.bits == 4);
    if (rle) {
        header.compression = fields.bits == 8 ? BmpCompression::rle8 : BmpCompression::rle4;
    } else if (fields.compression == kBitFields) {
        apply_masks(fields, name, header);
    } else if (fields.compression != kRgb) {
        unsupported(name, kBmpFormat, "of {} bits with compression {}", fields.bits, fields.compression);
    }
}

/// Pillow forgets a palette of greys. Where that changes pixels it is done here, too: indices beyond 0, 1, 2 ... are
/// greys then; and black and white, whatever the bits of a pixel, are read as one bit each.
void forget_greys(const Fields& fields, BmpHeader& header) {
    Palette black_and_white;
    black_and_white.add(0, 0, 0);
    black_and_white.add(255, 255, 255);
    const bool two = fields.colours == 2 && header.palette == black_and_white;
    if (two || (fields.colours == 1 && header.palette.is_grey_ramp())) {
        header.palette = black_and_white;
        if (header.compression == BmpCompression::none) header.bits = 1;
    } else if (fields.colours != 2 && header.palette.is_grey_ramp()) {
        header.palette = Palette::grey_ramp();
    }
}

void read_palette(const Fields& fields, ByteReader& reader, const std::string& name, BmpHeader& header) {
    // Some files say that they have more colours than they have.
    const size_t found = std::min<size_t>(fields.colours, reader.left() / fields.colour_bytes);
    if (fields.colours > kMostColours || found > Palette::kMost)
        unsupported(name, kBmpFormat, "with a palette of {} colours", fields.colours);
    const ByteSpan bytes = reader.take(fields.colour_bytes * found, "palette");
    for (size_t i = 0; i < found; ++i) {
        const size_t at = fields.colour_bytes * i;
        header.palette.add(bytes[at + 2], bytes[at + 1], bytes[at]);
    }
    if (found == fields.colours) forget_greys(fields, header);
}

}  // namespace

BmpHeader read_bmp_header(ByteSpan bytes, const std::string& name) {
    ByteReader reader(bytes, name, kBmpFormat);
    const Fields fields = read_fields(reader, name);
    constexpr std::array<uint32_t, 6> kBits{1, 4, 8, 16, 24, 32};
    if (std::find(kBits.begin(), kBits.end(), fields.bits) == kBits.end())
        unsupported(name, kBmpFormat, "of {} bits a pixel", fields.bits);
    BmpHeader header;
    header.bits = static_cast<int>(fields.bits);
    choose_compression(fields, name, header);
    check_image_size(fields.height, fields.width, static_cast<int64_t>(bytes.size()), kMaxPixelsPerByte, name);
    header.width = static_cast<int>(fields.width);
    header.height = static_cast<int>(fields.height);
    header.from_top = fields.from_top;
    header.stride = (int64_t{fields.width} * fields.bits + 31) / 32 * 4;
    header.pixels_at = fields.pixels_at;
    if (fields.bits <= 8) {
        // Some files say that their pixels begin where their palette does.
        if (header.pixels_at == kFileHeaderBytes + fields.header_bytes)
            header.pixels_at += fields.colour_bytes * fields.colours;
        read_palette(fields, reader, name, header);
    }
    if (header.pixels_at == 0) header.pixels_at = reader.position();
    return header;
}

}  // namespace adaq
