// See formats.h.
#include "loaders/images/formats.h"

#include <array>
#include <cstring>

namespace adaq {

namespace {

constexpr std::array kFormats{
    &kPng,  &kBmp, &kGif, &kPnm,
#ifdef ADAQ_HAS_WEBP
    &kWebp,
#endif
#ifdef ADAQ_HAS_TIFF
    &kTiff,
#endif
};

#if defined(ADAQ_HAS_WEBP) && defined(ADAQ_HAS_TIFF)
constexpr const char* kExpected = "expected JPEG, PNG, BMP, GIF, PNM, WebP or TIFF";
#elif defined(ADAQ_HAS_WEBP)
constexpr const char* kExpected = "expected JPEG, PNG, BMP, GIF, PNM or WebP";
#elif defined(ADAQ_HAS_TIFF)
constexpr const char* kExpected = "expected JPEG, PNG, BMP, GIF, PNM or TIFF";
#else
constexpr const char* kExpected = "expected JPEG, PNG, BMP, GIF or PNM";
#endif

bool is_tiff(ByteSpan bytes) {
    using namespace std::string_view_literals;
    return starts_with(bytes, "II*\0"sv) || starts_with(bytes, "MM\0*"sv) || starts_with(bytes, "II+\0"sv) ||
           starts_with(bytes, "MM\0+"sv);
}

std::string found_in(ByteSpan bytes) {
    if (bytes.empty()) return "an empty file";
    if (is_tiff(bytes)) return "a TIFF image, but this adaq was built without libtiff";
    if (starts_with(bytes, "RIFF") && starts_with(bytes, "WEBP", 8))
        return "a WebP image, but this adaq was built without libwebp";
    if (starts_with(bytes, "ftyp", 4)) return "a HEIF or AVIF image";
    if (starts_with(bytes, "P7") || starts_with(bytes, "Pf") || starts_with(bytes, "PF")) return "a PAM or PFM image";
    if (starts_with(bytes, "8BPS")) return "a Photoshop image";
    if (starts_with(bytes, "<svg") || starts_with(bytes, "<?xml")) return "an SVG or other XML file";
    return "not an image of a known format";
}

}  // namespace

bool starts_with(ByteSpan bytes, std::string_view magic, size_t at) {
    return bytes.size() >= at + magic.size() && std::memcmp(bytes.data() + at, magic.data(), magic.size()) == 0;
}

const ImageFormat* format_of(ByteSpan bytes) {
    for (const ImageFormat* format : kFormats)
        if (format->recognises(bytes)) return format;
    return nullptr;
}

std::string describe_unread(ByteSpan bytes) { return found_in(bytes) + ", " + kExpected; }

}  // namespace adaq
