// Thousands of damaged files from a seeded generator: whatever comes in, what comes out is an error or an image of the
// size that the header says, soon and without much memory. Run under AddressSanitizer and UBSan as well (the CI does).
#include <doctest/doctest.h>
#include <sys/resource.h>

#include <random>

#include "loaders/datasets/dataset.h"
#include "support/format_fixtures.h"
#include "support/idx_files.h"

using namespace adaq;
using namespace adaq::test;

namespace {

using Bytes = std::vector<uint8_t>;

/// A damaged copy: cut off, or a few bytes changed, inserted, removed or repeated; mostly near the start, where headers
/// are.
Bytes damaged(const Bytes& good, std::mt19937& random) {
    const auto below = [&](size_t limit) { return random() % std::max<size_t>(limit, 1); };
    Bytes bytes = good;
    if (below(5) == 0) bytes.resize(below(bytes.size()));
    for (size_t change = below(8); change > 0 && !bytes.empty(); --change) {
        const size_t at = below(2) == 0 ? below(std::min<size_t>(bytes.size(), 64)) : below(bytes.size());
        const auto place = bytes.begin() + static_cast<std::ptrdiff_t>(at);
        switch (below(5)) {
            case 0:
                *place ^= static_cast<uint8_t>(1 << below(8));
                break;
            case 1:
                *place = static_cast<uint8_t>(random());
                break;
            case 2:
                *place = below(2) == 0 ? 0xFF : 0x00;
                break;
            case 3:
                bytes.insert(place, 1 + below(4), static_cast<uint8_t>(random()));
                break;
            default:
                bytes.erase(place, place + static_cast<std::ptrdiff_t>(std::min(bytes.size() - at, 1 + below(9))));
        }
    }
    return bytes;
}

/// Gives the chunks of a PNG file right checksums again, so that damage comes as far as their contents.
void repair_checksums(Bytes& png) {
    for (size_t at = 8; at + 12 <= png.size();) {
        const size_t length =
            size_t{png[at]} << 24 | size_t{png[at + 1]} << 16 | size_t{png[at + 2]} << 8 | png[at + 3];
        if (length > png.size() - at - 12) return;
        const auto crc = static_cast<uint32_t>(crc32(0, png.data() + at + 4, static_cast<unsigned>(length + 4)));
        for (size_t i = 0; i < 4; ++i) png[at + 8 + length + i] = static_cast<uint8_t>(crc >> (24 - 8 * i));
        at += 12 + length;
    }
}

int64_t peak_memory_kib() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

/// Decodes the whole or a window. True if it gave an image.
bool decodes(ImageReader& reader, const Bytes& bytes, std::mt19937& random) {
    Image image;
    try {
        reader.open_bytes(bytes, "damaged");
        const ImageSize size = reader.size();
        Rectangle window{0, 0, size.height, size.width};
        if (random() % 2 == 0) {
            window.y = static_cast<int>(random() % static_cast<unsigned>(size.height));
            window.x = static_cast<int>(random() % static_cast<unsigned>(size.width));
            window.height = std::min(size.height - window.y, 1 + static_cast<int>(random() % 64));
            window.width = std::min(size.width - window.x, 1 + static_cast<int>(random() % 64));
        }
        const int channels = random() % 3 == 0 ? 1 : 3;
        reader.read(channels, window, image);
        CHECK(image.pixels.size() == static_cast<size_t>(window.height) * static_cast<size_t>(window.width * channels));
        return true;
    } catch (const DataError& error) {
        CHECK(std::string(error.what()).rfind("damaged: ", 0) == 0);
        return false;
    }
}

}  // namespace

TEST_SUITE("damaged images") {
    TEST_CASE("thousands of damaged image files give an error or an image") {
        constexpr int kMutants = 400;                // of each file
        constexpr int64_t kMostMemoryKib = 1 << 20;  // 1 GiB: AddressSanitizer alone keeps 256 MiB of freed memory
        const int64_t memory_before = peak_memory_kib();
        std::mt19937 random(20240611);
        ImageReader reader;
        int images = 0, errors = 0;
        for (const char* name : {"420.jpg",
                                 "422.jpg",
                                 "444.jpg",
                                 "grey.jpg",
                                 "cmyk.jpg",
                                 "progressive.jpg",
                                 "restart.jpg",
                                 "strip.jpg",
                                 "rotated.jpg",
                                 "rgb.png",
                                 "rgba.png",
                                 "grey-alpha.png",
                                 "palette-transparent.png",
                                 "1-bit.png",
                                 "grey-16.png",
                                 "rgb-16.png",
                                 "rgb.bmp",
                                 "palette.bmp",
                                 "palette.gif",
                                 "rgb.ppm",
                                 "grey.pgm"}) {
            const Bytes good = file_bytes(image_fixture(name));
            for (int mutant = 0; mutant < kMutants; ++mutant) {
                CAPTURE(name);
                CAPTURE(mutant);
                (decodes(reader, damaged(good, random), random) ? images : errors) += 1;
            }
        }
        CHECK(images > 1000);
        CHECK(errors > 1000);
        CHECK(peak_memory_kib() - memory_before < kMostMemoryKib);
        CHECK(decodes(reader, file_bytes(image_fixture("420.jpg")), random));  // nothing sticks
    }

    TEST_CASE("every variant of every format, damaged, gives an error or an image") {
        constexpr int kMutants = 60;  // of each file
        std::mt19937 random(20261128);
        ImageReader reader;
        int images = 0, errors = 0;
        for (const FormatCase& each : FormatFixtures::get().cases) {
            for (int mutant = 0; mutant < kMutants; ++mutant) {
                CAPTURE(each.name);
                CAPTURE(mutant);
                Bytes bytes = damaged(each.file, random);
                if (each.is_of("png")) repair_checksums(bytes);
                (decodes(reader, bytes, random) ? images : errors) += 1;
            }
        }
        CHECK(images > 2000);
        CHECK(errors > 5000);
    }

    TEST_CASE("damaged IDX files, plain and gzipped, give an error or images") {
        std::mt19937 random(5);
        const TemporaryFolder folder;
        const std::string plain = idx_images(40, 7, 6);
        const Bytes zipped = file_bytes(write_gzipped(folder, "good.gz", plain));
        DatasetOptions options;
        options.role = DatasetRole::calibration;
        int opened = 0, errors = 0;
        for (int mutant = 0; mutant < 600; ++mutant) {
            const Bytes good = mutant % 2 == 0 ? zipped : Bytes(plain.begin(), plain.end());
            const std::string path = write_file(folder, "damaged-images-idx3-ubyte", text_of(damaged(good, random)));
            try {
                const auto dataset = open_dataset(path, options);
                ImageReader reader;
                Image image;
                dataset->open(dataset->size() - 1, reader);
                reader.read(3, image);
                ++opened;
            } catch (const DataError& error) {
                CHECK(std::string(error.what()).rfind(path, 0) == 0);
                ++errors;
            }
        }
        CHECK(opened > 50);
        CHECK(errors > 200);
    }
}
