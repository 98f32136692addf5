// Reading a file's bytes one after the other, for the formats that are parsed here.
#pragma once

#include "loaders/images/formats.h"

namespace adaq {

/// A place in a file that moves on as numbers are read. Reading past the end is a DataError that says what is missing.
class ByteReader {
  public:
    /// format: for messages, "BMP".
    ByteReader(ByteSpan bytes, const std::string& name, const char* format)
        : bytes_(bytes), name_(name), format_(format) {}

    size_t position() const { return at_; }
    size_t left() const { return bytes_.size() - at_; }
    void move_to(size_t position) { at_ = std::min(position, bytes_.size()); }

    /// The next `count` bytes; `what` stands for them in the message where they are missing.
    ByteSpan take(size_t count, const char* what) {
        if (left() < count) corrupt(name_, format_, "it ends inside its {}", what);
        at_ += count;
        return bytes_.subspan(at_ - count, count);
    }
    uint8_t byte(const char* what) { return take(1, what)[0]; }

  private:
    ByteSpan bytes_;
    const std::string& name_;
    const char* format_;
    size_t at_ = 0;
};

inline int u16_little(ByteSpan bytes, size_t at) { return bytes[at] | bytes[at + 1] << 8; }
inline uint32_t u32_little(ByteSpan bytes, size_t at) {
    return static_cast<uint32_t>(u16_little(bytes, at)) | static_cast<uint32_t>(u16_little(bytes, at + 2)) << 16;
}
inline int u16_big(const uint8_t* at) { return at[0] << 8 | at[1]; }

}  // namespace adaq
