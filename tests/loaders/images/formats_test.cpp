#include <doctest/doctest.h>
#include <malloc.h>
#include <zlib.h>

#include <cstring>

#include "loaders/images/colour.h"
#include "loaders/images/reader.h"
#include "support/format_fixtures.h"
#include "support/text.h"

using namespace adaq;
using namespace adaq::test;

namespace {

std::string error_of(std::span<const uint8_t> file) {
    return data_error_of([&] { decode_image(file, "x", 3); });
}

/// What comes of a file: its pixels, or the message.
std::pair<std::vector<uint8_t>, std::string> outcome_of(std::span<const uint8_t> file) {
    std::vector<uint8_t> pixels;
    const std::string error = data_error_of([&] { pixels = decode_image(file, "x", 3).pixels; });
    return {pixels, error};
}

/// Fills memory that is allocated with one byte (glibc does; elsewhere nothing changes).
struct FilledMemory {
    explicit FilledMemory(int byte) { mallopt(M_PERTURB, byte); }
    ~FilledMemory() { mallopt(M_PERTURB, 0); }
};

/// The same of a copy behind which, and wherever else memory is allocated, stands that byte.
std::pair<std::vector<uint8_t>, std::string> outcome_in_filled_memory(std::span<const uint8_t> file, int byte) {
    constexpr size_t kBehind = 1 << 16;
    const FilledMemory filled(byte);
    std::vector<uint8_t> copy;
    copy.reserve(file.size() + kBehind);
    copy.assign(file.begin(), file.end());
    return outcome_of(copy);
}

/// The first byte of a PNG file's chunk of this kind: its length.
size_t chunk_at(const std::vector<uint8_t>& png, const char* kind) {
    for (size_t at = 8; at + 8 <= png.size();) {
        if (std::memcmp(png.data() + at + 4, kind, 4) == 0) return at;
        at += 12 + (size_t{png[at]} << 24 | size_t{png[at + 1]} << 16 | size_t{png[at + 2]} << 8 | png[at + 3]);
    }
    throw std::runtime_error("no such chunk");
}

}  // namespace

TEST_SUITE("image formats") {
    TEST_CASE("every variant of every format decodes to Pillow's pixels, in colour and grey") {
        int decoded = 0;
        for (const FormatCase& each : FormatFixtures::get().cases) {
            if (each.refused || !each.is_built()) continue;
            CAPTURE(each.name);
            Image rgb = decode_image(each.file, each.name, 3);
            CHECK(rgb.size() == each.pixels.size());
            CHECK(rgb.pixels == each.pixels.pixels);
            const Image grey = decode_image(each.file, each.name, 1);
            Image expected;
            convert_channels(rgb, 1, expected);
            CHECK(grey.pixels == expected.pixels);
            ++decoded;
        }
        CHECK(decoded > 120);
    }

    TEST_CASE("what Pillow refuses is refused, with a reason in one line") {
        int refused = 0;
        for (const FormatCase& each : FormatFixtures::get().cases) {
            if (!each.refused || !each.is_built()) continue;
            CAPTURE(each.name);
            const std::string error = error_of(each.file);
            CAPTURE(error);
            CHECK(error.rfind("x: ", 0) == 0);
            CHECK_FALSE(mentions(error, "()"));
            CHECK_FALSE(mentions(error, "\n"));
            ++refused;
        }
        CHECK(refused > 25);
    }

    TEST_CASE("the size comes from the header, also where it lies behind the first bytes that are read") {
        const TemporaryFolder folder;
        for (const FormatCase& each : FormatFixtures::get().cases) {
            if (each.refused || !each.is_built()) continue;
            CAPTURE(each.name);
            CHECK(read_image_size(write_file(folder, "image", text_of(each.file))) == each.pixels.size());
        }
        std::string gif(text_of(FormatFixtures::get().named("gif/part-of-canvas").file));
        std::string comments;
        for (int i = 0; i < 400; ++i) comments += std::string("!\xFE\xFF") + std::string(255, 'x') + '\0';
        gif.insert(13 + 48, comments);
        CHECK(read_image_size(write_file(folder, "image", gif)) == ImageSize{18, 20});
    }

    TEST_CASE("no pixel is one that no byte of the file stands for: cut anywhere, the outcome is always the same") {
        int images = 0, errors = 0;
        for (const FormatCase& each : FormatFixtures::get().cases) {
            if (!each.is_built()) continue;
            CAPTURE(each.name);
            for (size_t length = each.file.size(); length > 0; length -= 1 + length / 30) {
                const std::span<const uint8_t> part(each.file.data(), length);
                const auto first = outcome_in_filled_memory(part, 0x55), second = outcome_in_filled_memory(part, 0xC6);
                CAPTURE(length);
                CHECK(first == second);
                (first.second == "no error" ? images : errors) += 1;
            }
        }
        CHECK(images > 150);
        CHECK(errors > 3000);
    }

    TEST_CASE("a binary Netpbm file that lacks any of its last bytes is refused") {
        for (const char* name : {"pnm/p4", "pnm/p5-255", "pnm/p5-15", "pnm/p5-65535", "pnm/p6-255", "pnm/p6-65535"}) {
            const std::vector<uint8_t>& file = FormatFixtures::get().named(name).file;
            for (size_t missing = 1; missing < file.size(); ++missing) {
                CAPTURE(name);
                CAPTURE(missing);
                CHECK(error_of({file.data(), file.size() - missing}) != "no error");
            }
        }
        const std::vector<uint8_t>& p6 = FormatFixtures::get().named("pnm/p6-255").file;
        CHECK(error_of({p6.data(), p6.size() - 1}) ==
              "x: corrupt PNM file (428 bytes of pixels, expected 429 for 13x11 of them)");
    }

    TEST_CASE("a wrong checksum of any chunk of a PNG file is refused") {
        for (const char* name : {"png/other-chunks", "png/palette-8", "png/type-2-depth-8-interlaced"}) {
            const std::vector<uint8_t>& good = FormatFixtures::get().named(name).file;
            for (const char* kind : {"IHDR", "gAMA", "tEXt", "PLTE", "IDAT", "tIME", "IEND"}) {
                std::vector<uint8_t> bad = good;
                size_t at = 0;
                try {
                    at = chunk_at(bad, kind);
                } catch (const std::runtime_error&) {
                    continue;
                }
                bad[at + 8 + bad[at + 3] + (size_t{bad[at + 2]} << 8)] ^= 1;  // of the checksum
                CAPTURE(kind);
                CHECK(error_of(bad) == std::string("x: corrupt PNG file (") + kind + ": CRC error)");
            }
        }
    }

    TEST_CASE("a PNG file whose pixels do not fit their own checksum is refused") {
        std::vector<uint8_t> bad = FormatFixtures::get().named("png/type-0-depth-8").file;
        const size_t at = chunk_at(bad, "IDAT"), bytes = size_t{bad[at + 2]} << 8 | bad[at + 3];
        bad[at + 8 + bytes - 1] ^= 1;  // zlib's checksum
        const auto crc = static_cast<uint32_t>(crc32(0, bad.data() + at + 4, static_cast<unsigned>(bytes + 4)));
        for (size_t i = 0; i < 4; ++i) bad[at + 8 + bytes + i] = static_cast<uint8_t>(crc >> (24 - 8 * i));
        CHECK(error_of(bad) == "x: corrupt PNG file (IDAT: incorrect data check)");
    }

    TEST_CASE("a PNG file without its last chunk is refused with a reason") {
        const std::vector<uint8_t>& good = FormatFixtures::get().named("png/type-2-depth-8").file;
        CHECK(error_of({good.data(), good.size() - 12}) == "x: corrupt PNG file (it ends before its IEND chunk)");
    }

    TEST_CASE("messages say what was found") {
        const auto error = [](const char* name) { return error_of(FormatFixtures::get().named(name).file); };
        CHECK(error("bmp/24-bit-cut") == "x: corrupt BMP file (438 bytes of pixels, expected 439 for 13x11 of them)");
        CHECK(error("bmp/rle8-ended-early") == "x: corrupt BMP file (its pixels end after 5 of 20)");
        CHECK(error("bmp/16-bit-444-header-40") ==
              "x: a BMP file of 16 bits with colour masks f00 f0 f, which is not read");
        CHECK(error("gif/cut") == "x: corrupt GIF file (it ends inside its blocks)");
        CHECK(error("gif/pixels-end-early") == "x: corrupt GIF file (its pixels end before the last one)");
        CHECK(error("pnm/maximum-65536") == "x: corrupt PNM file (the maximum is 65536, expected 1 to 65535)");
        CHECK(error("pnm/letters") == "x: corrupt PNM file (its width has byte 0x61, expected digits)");
        CHECK(mentions(error("pnm/p7"), "x: a PAM or PFM image, expected JPEG, PNG, BMP, GIF"));
    }

    TEST_CASE("formats whose library is missing are named, others are decoded") {
        for (const char* format : {"webp", "tiff"}) {
            const std::string name = std::string(format) + (format[0] == 'w' ? "/lossy" : "/rgb-8");
            const FormatCase& each = FormatFixtures::get().named(name);
            if (each.is_built()) {
                CHECK(decode_image(each.file, name, 3).pixels == each.pixels.pixels);
            } else {
                CHECK(mentions(error_of(each.file), "but this adaq was built without lib" + std::string(format)));
            }
        }
    }
}
