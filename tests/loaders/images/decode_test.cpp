#include <doctest/doctest.h>

#include <random>

#include "loaders/images/limits.h"
#include "loaders/images/reader.h"
#include "support/image_fixtures.h"
#include "support/temporary_folder.h"
#include "support/text.h"

using namespace adaq;
using namespace adaq::test;

namespace {

std::string decoding_error(std::span<const uint8_t> bytes) {
    return data_error_of([&] { decode_image(bytes, "x.jpg", 3); });
}

Image cut_out(const Image& image, const Rectangle& window) {
    Image part;
    part.reshape(window.height, window.width, image.channels);
    for (int y = 0; y < window.height; ++y) {
        for (int x = 0; x < window.width * image.channels; ++x) {
            part.row(y)[x] = image.row(window.y + y)[window.x * image.channels + x];
        }
    }
    return part;
}

}  // namespace

TEST_SUITE("image decoding") {
    TEST_CASE("every kind of file decodes to Pillow's pixels") {
        for (const ImageCase& expected : image_cases("decode")) {
            CAPTURE(expected.about.dump());
            const Image image = decode_image(image_fixture(expected.file()), expected.dimension(2));
            CHECK(image.height == expected.dimension(0));
            CHECK(image.width == expected.dimension(1));
            CHECK(image.pixels == expected.bytes);
            CHECK(read_image_size(image_fixture(expected.file())) == image.size());
        }
    }

    TEST_CASE("a window of an image has the pixels of the whole") {
        std::mt19937 random(7);
        const auto below = [&](int limit) { return static_cast<int>(random() % static_cast<unsigned>(limit)); };
        for (const char* name : {"420.jpg", "422.jpg", "444.jpg", "grey.jpg", "cmyk.jpg", "progressive.jpg",
                                 "restart.jpg", "wide.jpg", "tall.jpg", "strip.jpg", "rgb.png"}) {
            for (const int channels : {1, 3}) {
                const Image whole = decode_image(image_fixture(name), channels);
                ImageReader reader;
                for (int trial = 0; trial < 40; ++trial) {
                    Rectangle window{below(whole.height), below(whole.width), 0, 0};
                    window.height = 1 + below(whole.height - window.y);
                    window.width = 1 + below(whole.width - window.x);
                    CAPTURE(name);
                    CAPTURE(channels);
                    CAPTURE(window.y);
                    CAPTURE(window.x);
                    CAPTURE(window.height);
                    CAPTURE(window.width);
                    reader.open_file(image_fixture(name));
                    Image part;
                    reader.read(channels, window, part);
                    CHECK(part.pixels == cut_out(whole, window).pixels);
                }
            }
        }
    }

    TEST_CASE("a JPEG file cut off anywhere is refused, also below the rows that are wanted") {
        for (const char* name : {"420.jpg", "progressive.jpg", "grey.jpg"}) {
            const std::vector<uint8_t> bytes = file_bytes(image_fixture(name));
            for (size_t length = 0; length < bytes.size(); length += 1 + length / 40) {
                CAPTURE(name);
                CAPTURE(length);
                CHECK(mentions(decoding_error({bytes.data(), length}), "x.jpg: "));
            }
            const std::span<const uint8_t> no_end(bytes.data(), bytes.size() - 2);
            ImageReader reader;
            Image top;
            reader.open_bytes(no_end, "cut.jpg");
            CHECK(mentions(data_error_of([&] { reader.read(3, {0, 0, 1, 8}, top); }), "cut.jpg: corrupt JPEG file"));
        }
    }

    TEST_CASE("a JPEG file without its own tables does not get those of the file before") {
        const std::vector<uint8_t> good = file_bytes(image_fixture("444.jpg"));
        std::vector<uint8_t> bare = good;
        for (size_t i = 2; i + 4 < bare.size() && bare[i] == 0xFF && bare[i + 1] != 0xDA;) {
            if (bare[i + 1] == 0xDB) bare[i + 1] = 0xFE;  // quantisation tables become a comment
            i += 2 + static_cast<size_t>(bare[i + 2] << 8 | bare[i + 3]);
        }
        ImageReader reader;
        Image image;
        reader.open_bytes(good, "good.jpg");
        reader.read(3, image);
        CHECK(mentions(data_error_of([&] {
                           reader.open_bytes(bare, "bare.jpg");
                           reader.read(3, image);
                       }),
                       "bare.jpg: corrupt JPEG file"));
        reader.open_bytes(good, "good.jpg");  // and the reader is still of use
        CHECK_NOTHROW(reader.read(3, image));
    }

    TEST_CASE("headers that lie about the size are refused before memory is taken") {
        std::vector<uint8_t> jpeg = file_bytes(image_fixture("420.jpg"));
        for (size_t i = 2; i + 9 < jpeg.size(); ++i) {
            if (jpeg[i] != 0xFF || jpeg[i + 1] != 0xC0) continue;
            jpeg[i + 5] = jpeg[i + 7] = 0xFF;  // heights and widths of 65,280 and more
            break;
        }
        CHECK(mentions(decoding_error(jpeg), "expected at most 2^28 in all"));

        std::vector<uint8_t> png = file_bytes(image_fixture("rgb.png"));
        png[18] = png[22] = 0x3F;  // 16,000 pixels wide and high
        const std::string message = decoding_error(png);
        CHECK(mentions(message, "bytes cannot hold"));
        CHECK_NOTHROW(check_image_size(1000, 1000, 100, 1024, "small"));
        CHECK_THROWS_AS(check_image_size(1 << 14, (1 << 14) + 1, int64_t{1} << 30, 1024, "large"), DataError);
        CHECK_THROWS_AS(check_image_size(0, 5, 100, 1024, "empty"), DataError);
    }

    TEST_CASE("an empty data chunk in a PNG file is passed over") {
        const std::vector<uint8_t> good = file_bytes(image_fixture("rgb.png"));
        std::vector<uint8_t> bytes = good;
        constexpr std::ptrdiff_t kAfterHeader = 8 + 25;
        const std::vector<uint8_t> empty{0, 0, 0, 0, 'I', 'D', 'A', 'T', 0x35, 0xAF, 0x06, 0x1E};
        bytes.insert(bytes.begin() + kAfterHeader, empty.begin(), empty.end());
        CHECK(decode_image(bytes, "empty-chunk.png", 3).pixels == decode_image(good, "rgb.png", 3).pixels);
    }

    TEST_CASE("formats that are not read are named") {
        const auto error_of = [](std::string_view text) {
            return decoding_error({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
        };
        CHECK(mentions(error_of("....ftypavif"), "x.jpg: a HEIF or AVIF image, expected JPEG, PNG, BMP, GIF"));
        CHECK(mentions(error_of(""), "an empty file"));
        CHECK(mentions(error_of("hello, this is text"), "not an image of a known format"));
    }

    TEST_CASE("files that cannot be read are named") {
        const TemporaryFolder folder;
        const auto error_of = [&](const std::string& path) { return data_error_of([&] { decode_image(path, 3); }); };
        CHECK(error_of(folder / "none.jpg") == folder / "none.jpg" + ": cannot be opened (No such file or directory)");
        CHECK(mentions(error_of(folder.path().string()), "not a regular file"));
        write_file(folder, "empty.png", "");
        CHECK(mentions(error_of(folder / "empty.png"), "an empty file"));
        CHECK(mentions(error_of("/dev/zero"), "not a regular file"));
    }

    TEST_CASE("a header beyond the first 64 KiB is found") {
        const TemporaryFolder folder;
        const std::vector<uint8_t> plain = file_bytes(image_fixture("420.jpg"));
        std::vector<uint8_t> bytes(plain.begin(), plain.begin() + 2);
        for (int i = 0; i < 3; ++i) {  // comments of 40,000 bytes
            const std::vector<uint8_t> marker{0xFF, 0xFE, 40002 >> 8, 40002 & 0xFF};
            bytes.insert(bytes.end(), marker.begin(), marker.end());
            bytes.insert(bytes.end(), 40000, 'x');
        }
        bytes.insert(bytes.end(), plain.begin() + 2, plain.end());
        CHECK(read_image_size(write_file(folder, "late.jpg", text_of(bytes))) == ImageSize{61, 97});
    }
}
