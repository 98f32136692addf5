// The formats that are decoded whole from memory: all but JPEG (jpeg.h). Each is one file of this folder.
#pragma once

#include <string>
#include <utility>

#include "engine/error.h"
#include "loaders/images/image.h"

namespace adaq {

using ByteSpan = std::span<const uint8_t>;

/// What is known of one format. read_size() may be given the beginning of a file only, and fails where the header goes
/// on behind it. Both functions throw DataError naming `name`; decode() writes every pixel, into 1 (grey) or 3 (RGB)
/// channels.
struct ImageFormat {
    bool (*recognises)(ByteSpan bytes);
    ImageSize (*read_size)(ByteSpan bytes, const std::string& name);
    void (*decode)(ByteSpan bytes, const std::string& name, int channels, Image& out);
};

extern const ImageFormat kPng, kBmp, kGif, kPnm;
extern const ImageFormat kWebp, kTiff;  // where the build has their libraries

/// The format whose first bytes these are; null if it is none of those above that this build has.
const ImageFormat* format_of(ByteSpan bytes);

/// What a file that has no format is, or why it is not read, and what is expected: "a WebP image, but this adaq was
/// built without libwebp; expected ...".
std::string describe_unread(ByteSpan bytes);

bool starts_with(ByteSpan bytes, std::string_view magic, size_t at = 0);

/// Throws DataError "NAME: corrupt FORMAT file (REASON)".
template <typename... Args>
[[noreturn]] void corrupt(const std::string& name, const char* format, fmt::format_string<Args...> reason,
                          Args&&... args) {
    data_error("{}: corrupt {} file ({})", name, format, fmt::format(reason, std::forward<Args>(args)...));
}

/// Throws DataError "NAME: a FORMAT file WITH, which is not read".
template <typename... Args>
[[noreturn]] void unsupported(const std::string& name, const char* format, fmt::format_string<Args...> with,
                              Args&&... args) {
    data_error("{}: a {} file {}, which is not read", name, format, fmt::format(with, std::forward<Args>(args)...));
}

}  // namespace adaq
