// See tiff_file.h. Compiled only where CMake has found libtiff.
#include "loaders/images/tiff_file.h"

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <utility>

#include "loaders/images/limits.h"

namespace adaq {

/// What libtiff's callbacks work on.
struct TiffFile::Source {
    ByteSpan bytes;
    uint64_t at = 0;
    std::string message;  // the first error, or what has been warned of while pixels were decoded
    bool decoding = false;

    void note(const char* format, std::va_list arguments) {
        if (!message.empty()) return;
        char text[256];
        std::vsnprintf(text, sizeof(text), format, arguments);
        message = text;
    }
};

namespace {

// A row of white takes Group 4 one bit.
constexpr int64_t kMaxPixelsPerByte = 1 << 17;
constexpr size_t kMostTileBytes = size_t{1} << 26;  // unless the image has as many

}  // namespace

TiffFile::TiffFile(ByteSpan bytes, const std::string& name) : name_(name), source_(std::make_unique<Source>()) {
    source_->bytes = bytes;
    TIFFOpenOptions* options = TIFFOpenOptionsAlloc();
    if (options == nullptr) throw std::bad_alloc();
    TIFFOpenOptionsSetMaxSingleMemAlloc(options, static_cast<tmsize_t>(kMaxImageFileBytes));
    const auto on_error = [](TIFF*, void* user, const char*, const char* format, std::va_list arguments) {
        static_cast<Source*>(user)->note(format, arguments);
        return 1;
    };
    const auto on_warning = [](TIFF*, void* user, const char*, const char* format, std::va_list arguments) {
        auto* source = static_cast<Source*>(user);
        const bool is_cut = std::strncmp(format, "IO error", 8) == 0;  // where a tag is, and libtiff goes on without
        if (source->decoding || is_cut) source->note(format, arguments);
        return 1;
    };
    TIFFOpenOptionsSetErrorHandlerExtR(options, on_error, source_.get());
    TIFFOpenOptionsSetWarningHandlerExtR(options, on_warning, source_.get());
    const auto on_read = [](thandle_t user, void* to, tmsize_t count) -> tmsize_t {
        auto& source = *static_cast<Source*>(user);
        const uint64_t left = source.bytes.size() - std::min<uint64_t>(source.at, source.bytes.size());
        const size_t taken = std::min<uint64_t>(left, static_cast<uint64_t>(count));
        if (taken > 0) std::memcpy(to, source.bytes.data() + source.at, taken);
        source.at += taken;
        return static_cast<tmsize_t>(taken);
    };
    const auto on_write = [](thandle_t, void*, tmsize_t) -> tmsize_t { return 0; };
    const auto on_seek = [](thandle_t user, toff_t offset, int whence) -> toff_t {
        auto& source = *static_cast<Source*>(user);
        const uint64_t from = whence == SEEK_CUR ? source.at : whence == SEEK_END ? source.bytes.size() : 0;
        return source.at = from + offset;
    };
    const auto on_close = [](thandle_t) { return 0; };
    const auto on_size = [](thandle_t user) -> toff_t { return static_cast<Source*>(user)->bytes.size(); };
    // "m": no memory mapping, of which libtiff would read past what is there.
    tiff_ = TIFFClientOpenExt("image", "rm", source_.get(), on_read, on_write, on_seek, on_close, on_size, nullptr,
                              nullptr, options);
    TIFFOpenOptionsFree(options);
    if (tiff_ == nullptr) fail();
    try {
        if (!source_->message.empty()) fail();
        read_layout();
    } catch (...) {
        TIFFClose(tiff_);
        throw;
    }
}

TiffFile::~TiffFile() { TIFFClose(tiff_); }

void TiffFile::fail() const {
    corrupt(name_, kTiffFormat, "{}", source_->message.empty() ? "libtiff cannot read it" : source_->message);
}

void TiffFile::read_layout() {
    const auto field = [&](uint32_t tag, int& value) {
        uint16_t found = 0;
        if (TIFFGetField(tiff_, tag, &found) == 1) value = found;
    };
    uint32_t width = 0, height = 0;
    TIFFGetField(tiff_, TIFFTAG_IMAGEWIDTH, &width);
    TIFFGetField(tiff_, TIFFTAG_IMAGELENGTH, &height);
    check_image_size(height, width, static_cast<int64_t>(source_->bytes.size()), kMaxPixelsPerByte, name_);
    layout_.width = static_cast<int>(width), layout_.height = static_cast<int>(height);
    int planar = PLANARCONFIG_CONTIG;
    field(TIFFTAG_BITSPERSAMPLE, layout_.bits);
    field(TIFFTAG_SAMPLESPERPIXEL, layout_.samples);
    field(TIFFTAG_PHOTOMETRIC, layout_.photometric);
    field(TIFFTAG_COMPRESSION, layout_.compression);
    field(TIFFTAG_ORIENTATION, layout_.orientation);
    field(TIFFTAG_SAMPLEFORMAT, layout_.sample_format);
    field(TIFFTAG_PLANARCONFIG, planar);
    layout_.separate = planar == PLANARCONFIG_SEPARATE && layout_.samples > 1;
    uint16_t extra_count = 0;
    const uint16_t* extra = nullptr;
    if (TIFFGetField(tiff_, TIFFTAG_EXTRASAMPLES, &extra_count, &extra) == 1)
        layout_.extra.assign(extra, extra + extra_count);
    if (layout_.compression == COMPRESSION_JPEG && layout_.photometric == PHOTOMETRIC_YCBCR && !layout_.separate)
        TIFFSetField(tiff_, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
}

std::array<const uint16_t*, 3> TiffFile::palette() const {
    uint16_t *red = nullptr, *green = nullptr, *blue = nullptr;
    if (TIFFGetField(tiff_, TIFFTAG_COLORMAP, &red, &green, &blue) != 1) corrupt(name_, kTiffFormat, "no palette");
    return {red, green, blue};
}

size_t TiffFile::row_bytes() const {
    const int64_t samples = layout_.separate ? 1 : layout_.samples;
    return (layout_.width * samples * layout_.bits + 7) / 8;
}

std::vector<uint8_t> TiffFile::read_plane(int plane) {
    std::vector<uint8_t> rows(row_bytes() * layout_.height);
    source_->decoding = true;
    if (TIFFIsTiled(tiff_) != 0) {
        read_tiles(plane, rows);
    } else {
        read_strips(plane, rows);
    }
    return rows;
}

void TiffFile::check_decoded(int64_t bytes, size_t expected) const {
    if (bytes < 0 || !source_->message.empty()) fail();
    if (std::cmp_less(bytes, expected)) corrupt(name_, kTiffFormat, "{} bytes of pixels, expected {}", bytes, expected);
}

/// libtiff would read a strip or tile that has no entry in the file's list from the file's start.
void TiffFile::check_is_there(uint32_t piece) const {
    if (TIFFGetStrileOffset(tiff_, piece) == 0 || TIFFGetStrileByteCount(tiff_, piece) == 0)
        corrupt(name_, kTiffFormat, "it does not say where part {} of its pixels is", piece);
}

void TiffFile::read_strips(int plane, std::vector<uint8_t>& rows) {
    uint32_t strip_rows = 0;
    TIFFGetFieldDefaulted(tiff_, TIFFTAG_ROWSPERSTRIP, &strip_rows);
    const uint32_t height = static_cast<uint32_t>(layout_.height);
    strip_rows = std::min(strip_rows, height);
    if (strip_rows == 0) corrupt(name_, kTiffFormat, "strips of 0 rows");
    if (std::cmp_not_equal(TIFFScanlineSize(tiff_), row_bytes()))
        unsupported(name_, kTiffFormat, "with rows of {} bytes, {} by its header", TIFFScanlineSize(tiff_),
                    row_bytes());
    for (uint32_t y = 0; y < height; y += strip_rows) {
        const size_t expected = row_bytes() * std::min(strip_rows, height - y);
        const uint32_t strip = TIFFComputeStrip(tiff_, y, static_cast<uint16_t>(plane));
        check_is_there(strip);
        uint8_t* to = rows.data() + row_bytes() * y;
        check_decoded(TIFFReadEncodedStrip(tiff_, strip, to, static_cast<tmsize_t>(expected)), expected);
    }
}

void TiffFile::read_tiles(int plane, std::vector<uint8_t>& rows) {
    uint32_t tile_width = 0, tile_height = 0;
    TIFFGetField(tiff_, TIFFTAG_TILEWIDTH, &tile_width);
    TIFFGetField(tiff_, TIFFTAG_TILELENGTH, &tile_height);
    const int64_t tile_bytes = TIFFTileSize(tiff_), tile_row_bytes = TIFFTileRowSize(tiff_);
    if (tile_width == 0 || tile_height == 0 || tile_bytes <= 0 || tile_row_bytes <= 0) fail();
    if (std::cmp_greater(tile_bytes, std::max(kMostTileBytes, 4 * rows.size())))
        corrupt(name_, kTiffFormat, "tiles of {}x{} pixels in an image of {}x{}", tile_width, tile_height,
                layout_.width, layout_.height);
    const uint32_t height = static_cast<uint32_t>(layout_.height), width = static_cast<uint32_t>(layout_.width);
    std::vector<uint8_t> tile(tile_bytes);
    for (uint32_t y = 0; y < height; y += tile_height) {
        for (uint32_t x = 0; x < width; x += tile_width) {
            const uint32_t index = TIFFComputeTile(tiff_, x, y, 0, static_cast<uint16_t>(plane));
            check_is_there(index);
            check_decoded(TIFFReadEncodedTile(tiff_, index, tile.data(), tile_bytes), tile.size());
            const size_t left = x / tile_width * tile_row_bytes;
            const size_t kept = std::min<size_t>(tile_row_bytes, row_bytes() - left);
            for (uint32_t row = 0; row < std::min(tile_height, height - y); ++row)
                std::copy_n(tile.data() + row * tile_row_bytes, kept, rows.data() + row_bytes() * (y + row) + left);
        }
    }
}

}  // namespace adaq
