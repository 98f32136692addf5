#include <doctest/doctest.h>

#include "loaders/datasets/dataset.h"
#include "support/idx_files.h"

using namespace adaq;
using namespace adaq::test;

namespace {

std::string idx_error(const std::string& path) {
    const std::string message = data_error_of([&] { open_dataset(path); });
    const size_t slash = message.rfind('/', message.find(": "));
    return slash == std::string::npos ? message : message.substr(slash + 1);
}

void write_mnist(const TemporaryFolder& folder) {
    write_gzipped(folder, "train-images-idx3-ubyte.gz", idx_images(6, 3, 4));
    write_gzipped(folder, "train-labels-idx1-ubyte.gz", idx_labels(std::string("\2\0\0\1\0\2", 6)));
    write_file(folder, "t10k-images-idx3-ubyte", idx_images(2, 3, 4));
    write_file(folder, "t10k-labels-idx1-ubyte", idx_labels(std::string("\1\0", 2)));
}

}  // namespace

TEST_SUITE("IDX data set") {
    TEST_CASE("pixels and labels of a plain and a gzipped file are those that were written") {
        const TemporaryFolder folder;
        write_mnist(folder);
        const auto test = open_dataset(folder / "t10k-images-idx3-ubyte");
        REQUIRE(test->size() == 2);
        CHECK(test->label(0) == 1);
        CHECK(test->label(1) == 0);
        CHECK(test->image_size(1) == ImageSize{3, 4});
        const auto train = open_dataset(folder / "train-images-idx3-ubyte.gz");
        ImageReader reader;
        Image grey, rgb;
        train->open(5, reader);
        reader.read(1, grey);
        train->open(5, reader);
        reader.read(3, {1, 1, 1, 2}, rgb);
        for (int i = 0; i < 12; ++i) CHECK(int{grey.pixels[static_cast<size_t>(i)]} == (60 + i) * 7 % 256);
        CHECK(rgb.pixels == std::vector<uint8_t>{grey.pixels[5], grey.pixels[5], grey.pixels[5], grey.pixels[6],
                                                 grey.pixels[6], grey.pixels[6]});
        CHECK(train->item_name(5) == folder / "train-images-idx3-ubyte.gz, image 5");
    }

    TEST_CASE("of a folder, calibration takes the training part and validation the test part, unless the path says") {
        const TemporaryFolder folder;
        write_mnist(folder);
        const std::string root = folder.path().string();
        DatasetOptions calibration;
        calibration.role = DatasetRole::calibration;
        CHECK(open_dataset(root, calibration)->size() == 6);
        CHECK(open_dataset(root)->size() == 2);
        CHECK(open_dataset(root + ":train")->size() == 6);
        CHECK(open_dataset(root + ":test", calibration)->size() == 2);
        std::filesystem::remove(folder / "t10k-images-idx3-ubyte");
        CHECK(idx_error(root).find("no t10k-images-idx3-ubyte or .gz in it") != std::string::npos);
        CHECK(idx_error(root + ":exam").find("no such file or folder") != std::string::npos);
    }

    TEST_CASE("calibration takes one image of each class in turn") {
        const TemporaryFolder folder;
        write_mnist(folder);
        const auto train = open_dataset(folder.path().string() + ":train");
        CHECK(calibration_order(*train, 6) == std::vector<int64_t>{1, 3, 0, 2, 5, 4});
    }

    TEST_CASE("labels are needed for validation only, and must be as many as the images") {
        const TemporaryFolder folder;
        const std::string images = write_file(folder, "t10k-images-idx3-ubyte", idx_images(2, 3, 4));
        CHECK(idx_error(images).find("no labels") != std::string::npos);
        DatasetOptions calibration;
        calibration.role = DatasetRole::calibration;
        CHECK(open_dataset(images, calibration)->size() == 2);
        write_file(folder, "t10k-labels-idx1-ubyte", idx_labels("abc"));
        CHECK(idx_error(images).find("t10k-labels-idx1-ubyte: 3 labels, expected 2") == 0);
        write_file(folder, "t10k-labels-idx1-ubyte", idx_labels("ab"));
        CHECK_THROWS_AS(check_labels(*open_dataset(images), 10), DataError);
        write_file(folder, "t10k-labels-idx1-ubyte", idx_images(1, 1, 1));
        CHECK(idx_error(images).find("starts with 0x00000803, expected 0x00000801 (IDX labels)") != std::string::npos);
    }

    TEST_CASE("files that are cut off, too long, damaged or lie about their size are refused") {
        const TemporaryFolder folder;
        const std::string good = idx_images(2, 3, 4);
        const auto error_with = [&](const std::string& content) {
            return idx_error(write_file(folder, "x-images-idx3-ubyte", content));
        };
        CHECK(error_with(good.substr(0, 20)).find("the IDX file is cut off or damaged (20 bytes missing)") !=
              std::string::npos);
        CHECK(error_with(good.substr(0, 9)).find("cut off") != std::string::npos);
        CHECK(error_with("").find("cut off") != std::string::npos);
        CHECK(error_with(good + "x").find("more data than the header's 24 bytes") != std::string::npos);
        CHECK(
            error_with(big_endian(0x803) + big_endian(4000000) + big_endian(28) + big_endian(28)).find("cannot hold") !=
            std::string::npos);
        CHECK(
            error_with(big_endian(0x803) + big_endian(~0u) + big_endian(~0u) + big_endian(~0u)).find("at most 4 GiB") !=
            std::string::npos);
        CHECK(error_with(big_endian(0x803) + big_endian(0) + big_endian(1) + big_endian(1)).find("no images") !=
              std::string::npos);
        CHECK(error_with("something else").find("expected 0x00000803 (IDX images)") != std::string::npos);

        for (const uint32_t count : {50u, 9000u}) {
            const std::string path = write_gzipped(folder, "train-images-idx3-ubyte.gz", idx_images(count, 9, 9));
            std::vector<uint8_t> bytes = file_bytes(path);
            bytes[bytes.size() - 6] ^= 1;  // in the checksum
            write_file(folder, "train-images-idx3-ubyte.gz", text_of(bytes));
            CHECK(idx_error(path).find("cut off or damaged") != std::string::npos);
        }
    }
}
