// Reads little-endian numbers and runs of bytes off a file's bytes, never beyond their end. Pickles, zip directories
// and the other headers are all walked with it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "engine/error.h"

namespace adaq {

class ByteCursor {
  public:
    /// `file` and `what` ("the pickle") name the bytes in errors; both outlive the cursor.
    ByteCursor(const std::string& file, std::string_view what, std::span<const std::byte> bytes)
        : file_(file), what_(what), bytes_(bytes) {}

    size_t position() const { return position_; }
    size_t left() const { return bytes_.size() - position_; }

    /// The next `count` bytes; DataError where there are fewer.
    std::span<const std::byte> take(uint64_t count) {
        if (count > left())
            data_error("{}: {} ends too early: {} bytes wanted at byte {}, {} left", file_, what_, count, position_,
                       left());
        const auto taken = bytes_.subspan(position_, count);
        position_ += count;
        return taken;
    }

    /// The next bytes as a little-endian number.
    template <typename T>
    T number() {
        T value;
        std::memcpy(&value, take(sizeof value).data(), sizeof value);
        return value;
    }

    std::string_view text(uint64_t count) {
        const auto taken = take(count);
        return {reinterpret_cast<const char*>(taken.data()), taken.size()};
    }

    /// Up to the next line feed, which is eaten.
    std::string_view line() {
        const std::string_view rest(reinterpret_cast<const char*>(bytes_.data()) + position_, left());
        const size_t length = rest.find('\n');
        if (length == std::string_view::npos)
            data_error("{}: {} ends too early: a line of text has no end", file_, what_);
        position_ += length + 1;
        return rest.substr(0, length);
    }

  private:
    const std::string& file_;
    std::string_view what_;
    std::span<const std::byte> bytes_;
    size_t position_ = 0;
};

}  // namespace adaq
