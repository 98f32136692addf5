// BMP's run lengths (RLE8, RLE4), taken as Pillow takes them: a run ends at its row's end, pixels that a file skips are
// index 0, and a file that ends before its last pixel is refused.
#include <algorithm>

#include "loaders/images/bmp_header.h"

namespace adaq {

namespace {

class RunLengths {
  public:
    RunLengths(ByteSpan bytes, const std::string& name, const BmpHeader& header, Image& indices)
        : reader_(bytes, name, kBmpFormat),
          four_bits_(header.compression == BmpCompression::rle4),
          width_(header.width),
          pixels_(indices.pixels),
          name_(name) {
        reader_.move_to(header.pixels_at);
    }

    void decode() {
        while (done_ < pixels_.size()) {
            const size_t count = reader_.byte("pixels"), value = reader_.byte("pixels");
            if (count > 0) {
                run(count, value);
            } else if (value == kEndOfRow) {
                skip((width_ - done_ % width_) % width_);
                column_ = 0;
            } else if (value == kEnd) {
                corrupt(name_, kBmpFormat, "its pixels end after {} of {}", done_, pixels_.size());
            } else if (value == kDelta) {
                const ByteSpan by = reader_.take(2, "pixels");
                skip(by[0] + by[1] * width_);
                column_ = done_ % width_;
            } else {
                literal(value);
            }
        }
    }

  private:
    static constexpr size_t kEndOfRow = 0, kEnd = 1, kDelta = 2;

    void add(size_t index) {
        if (done_ < pixels_.size()) pixels_[done_++] = static_cast<uint8_t>(index);
    }

    void skip(size_t count) {
        for (; count > 0 && done_ < pixels_.size(); --count) add(0);
    }

    void run(size_t count, size_t value) {
        count = std::min(count, width_ - std::min(column_, width_));
        for (size_t i = 0; i < count; ++i) add(four_bits_ ? (i % 2 == 0 ? value >> 4 : value & 0x0F) : value);
        column_ += count;
    }

    void literal(size_t count) {
        const size_t kept = std::min(count, pixels_.size() - done_);
        const ByteSpan data = reader_.take(four_bits_ ? (kept + 1) / 2 : kept, "pixels");
        for (size_t i = 0; i < kept; ++i)
            add(four_bits_ ? (i % 2 == 0 ? data[i / 2] >> 4 : data[i / 2] & 0x0F) : data[i]);
        column_ += count;
        if (reader_.position() % 2 != 0 && reader_.left() > 0) (void)reader_.byte("pixels");
    }

    ByteReader reader_;
    bool four_bits_;
    size_t width_, done_ = 0, column_ = 0;
    std::vector<uint8_t>& pixels_;
    const std::string& name_;
};

}  // namespace

void decode_bmp_rle(ByteSpan bytes, const std::string& name, const BmpHeader& header, Image& indices) {
    RunLengths(bytes, name, header, indices).decode();
}

}  // namespace adaq
