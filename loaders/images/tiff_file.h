// A TIFF file in memory, opened with libtiff: its first image's layout, and its samples as libtiff decodes them.
#pragma once

#include <tiffio.h>

#include <array>
#include <memory>

#include "loaders/images/formats.h"

namespace adaq {

inline constexpr const char* kTiffFormat = "TIFF";

struct TiffLayout {
    int width = 0, height = 0;  // as stored, before the orientation
    int bits = 1;               // of a sample
    int samples = 1;            // of a pixel
    int photometric = PHOTOMETRIC_MINISWHITE;
    int compression = COMPRESSION_NONE;
    int orientation = ORIENTATION_TOPLEFT;
    int sample_format = SAMPLEFORMAT_UINT;
    bool separate = false;        // each sample in a plane of its own
    std::vector<uint16_t> extra;  // what samples beyond the colours are: EXTRASAMPLE_...

    bool is_turned() const { return orientation >= ORIENTATION_LEFTTOP && orientation <= ORIENTATION_LEFTBOT; }
};

class TiffFile {
  public:
    /// Reads the header. `bytes` and `name` must live as long. Throws DataError.
    TiffFile(ByteSpan bytes, const std::string& name);
    ~TiffFile();
    TiffFile(const TiffFile&) = delete;
    TiffFile& operator=(const TiffFile&) = delete;

    const TiffLayout& layout() const { return layout_; }
    bool is_big_endian() const { return TIFFIsBigEndian(tiff_) != 0; }

    /// The red, green and blue of colour i, 16 bits each, of a palette of 2^bits colours. Throws DataError.
    std::array<const uint16_t*, 3> palette() const;

    /// Rows of packed samples of a pixel (or of one sample, where planes are separate), each `row_bytes()` long and in
    /// the processor's byte order. Throws DataError unless the file has them all.
    std::vector<uint8_t> read_plane(int plane);
    size_t row_bytes() const;

  private:
    struct Source;

    void read_layout();
    void read_strips(int plane, std::vector<uint8_t>& rows);
    void read_tiles(int plane, std::vector<uint8_t>& rows);
    void check_is_there(uint32_t piece) const;
    void check_decoded(int64_t bytes, size_t expected) const;
    [[noreturn]] void fail() const;

    const std::string& name_;
    std::unique_ptr<Source> source_;
    TIFF* tiff_ = nullptr;
    TiffLayout layout_;
};

}  // namespace adaq
