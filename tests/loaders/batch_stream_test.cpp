#include "loaders/batch_stream.h"

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <functional>
#include <numeric>
#include <stdexcept>
#include <thread>

#include "support/image_fixtures.h"

using namespace adaq;
using namespace adaq::test;

namespace {

/// Grey images of 2x3 pixels whose value is their number; some cannot be read. Counts what has been opened.
class NumberedImages final : public Dataset {
  public:
    explicit NumberedImages(int64_t count) : pixels_(static_cast<size_t>(count)) {
        for (size_t item = 0; item < pixels_.size(); ++item) pixels_[item].fill(static_cast<uint8_t>(item % 251));
    }

    int64_t size() const override { return static_cast<int64_t>(pixels_.size()); }
    int label(int64_t item) const override { return static_cast<int>(item * 3); }
    LabelSource label_source() const override { return LabelSource::numbers; }
    const std::vector<std::string>& class_names() const override { return names_; }
    std::string item_name(int64_t item) const override { return "image " + std::to_string(item); }
    std::string describe() const override { return "numbered images"; }
    ImageSize image_size(int64_t) const override { return {2, 3}; }
    void open(int64_t item, ImageReader& reader) const override {
        ++opened;
        if (before_open) before_open(item);
        if (item >= first_bad) data_error("{}: bad", item_name(item));
        if (item == odd_sized)
            return reader.open_pixels({pixels_[static_cast<size_t>(item)].data(), 2}, {2, 1}, 1, item_name(item));
        reader.open_pixels(pixels_[static_cast<size_t>(item)], {2, 3}, 1, item_name(item));
    }

    int64_t first_bad = 1 << 30, odd_sized = -1;
    mutable std::atomic<int64_t> opened{0};
    std::function<void(int64_t item)> before_open = {};

  private:
    std::vector<std::array<uint8_t, 6>> pixels_;
    std::vector<std::string> names_;
};

BatchOptions options_of(int batch, int threads) {
    BatchOptions options;
    options.batch = batch;
    options.threads = threads;
    options.channels = 1;
    options.preprocessing.mean = {0.0f};
    options.preprocessing.std = {1.0f / 255.0f};  // floats are pixel values again, nearly
    return options;
}

}  // namespace

TEST_SUITE("batch stream") {
    TEST_CASE("who waits for a batch is asked whether to go on, and may have it later") {
        NumberedImages dataset(8);
        std::atomic<int> asked{0}, needed{1};
        dataset.before_open = [&](int64_t item) {
            // Gives up after a minute: nobody is asked.
            for (int i = 0; item == 5 && asked < needed && i < 6000; ++i)
                std::this_thread::sleep_for(std::chrono::milliseconds(10));
        };
        BatchStream stream(dataset, {0, 1, 2, 3, 4, 5, 6, 7}, options_of(8, 2));
        Batch batch;
        needed = 3;
        CHECK_THROWS_AS(stream.next(batch,
                                    [&] {
                                        ++asked;
                                        throw std::runtime_error("enough");
                                    }),
                        std::runtime_error);
        CHECK(asked == 1);
        CHECK(stream.next(batch, [&] { ++asked; }));
        CHECK(asked >= 3);
        CHECK(batch.count == 8);
        CHECK(batch.labels[7] == 21);
        CHECK_FALSE(stream.next(batch, [] {}));
    }

    TEST_CASE("batches come in order with any number of threads, the last one filled up with zeros") {
        const NumberedImages dataset(103);
        std::vector<int64_t> items(103);
        std::iota(items.rbegin(), items.rend(), 0);
        for (const int threads : {1, 2, 7, 200}) {
            for (const int batch_size : {1, 10, 103, 200}) {
                CAPTURE(threads);
                CAPTURE(batch_size);
                BatchStream stream(dataset, items, options_of(batch_size, threads));
                CHECK(stream.shape() == Shape{batch_size, 2, 3, 1});
                CHECK(stream.image_count() == 103);
                size_t done = 0;
                int wrong = 0;
                for (Batch batch; stream.next(batch); done += static_cast<size_t>(batch.count)) {
                    CHECK(batch.count == std::min<int>(batch_size, 103 - static_cast<int>(done)));
                    REQUIRE(batch.images.shape == stream.shape());
                    for (int row = 0; row < batch_size; ++row) {
                        const bool valid = row < batch.count;
                        const auto item = valid ? items[done + static_cast<size_t>(row)] : 0;
                        wrong += batch.labels[static_cast<size_t>(row)] != (valid ? item * 3 : Dataset::kNoLabel);
                        for (size_t i = 0; i < 6; ++i) {
                            wrong += std::lround(batch.images.values[static_cast<size_t>(row) * 6 + i]) != item;
                        }
                    }
                }
                CHECK(done == 103);
                CHECK(wrong == 0);
            }
        }
    }

    TEST_CASE("no images are no batches") {
        const NumberedImages dataset(3);
        BatchStream stream(dataset, {}, options_of(4, 2));
        Batch batch;
        CHECK_FALSE(stream.next(batch));
    }

    TEST_CASE("threads stop ahead of a consumer that waits: the queue is bounded") {
        const NumberedImages dataset(10000);
        BatchStream stream(dataset, validation_order(dataset), options_of(5, 4));
        Batch batch;
        REQUIRE(stream.next(batch));
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        CHECK(dataset.opened >= 5);
        CHECK(dataset.opened <= 5 * 4);
    }

    TEST_CASE("a stream can be left at any time") {
        const NumberedImages dataset(500);
        for (int batches = 0; batches < 40; ++batches) {
            BatchStream stream(dataset, validation_order(dataset), options_of(3, 3));
            Batch batch;
            for (int i = 0; i < batches; ++i) REQUIRE(stream.next(batch));
        }
    }

    TEST_CASE("the first bad image in order is the error, after the good batches, with any number of threads") {
        NumberedImages dataset(200);
        dataset.first_bad = 37;
        for (const int threads : {1, 8}) {
            BatchStream stream(dataset, validation_order(dataset), options_of(10, threads));
            Batch batch;
            for (int i = 0; i < 3; ++i) REQUIRE(stream.next(batch));
            CHECK(data_error_of([&] { stream.next(batch); }) == "image 37: bad");
            CHECK_FALSE(stream.next(batch));
        }
    }

    TEST_CASE("an image of another size is refused by name") {
        NumberedImages dataset(20);
        dataset.odd_sized = 11;
        BatchStream stream(dataset, validation_order(dataset), options_of(20, 2));
        Batch batch;
        CHECK(data_error_of([&] { stream.next(batch); }) ==
              "image 11: 1x2 pixels, expected 3x2 like the first image (or set a crop)");
    }

    TEST_CASE("a batch of images is torchvision's pixels, normalised") {
        const TemporaryFolder folder;
        for (const ImageCase& expected : image_cases("preprocess")) {
            if (expected.about.at("resize") != 72 || expected.dimension(2) != 3) continue;
            write_file(folder, "a/1.jpg", text_of(file_bytes(image_fixture(expected.file()))));
            const auto dataset = open_dataset(folder.path().string());
            BatchOptions options;
            options.batch = 2;
            options.preprocessing.resize = 72;
            options.preprocessing.crop = 64;
            BatchStream stream(*dataset, {0}, options);
            Batch batch;
            REQUIRE(stream.next(batch));
            CHECK(batch.count == 1);
            int wrong = 0;
            for (size_t i = 0; i < expected.bytes.size(); ++i) {
                const size_t c = i % 3;
                const float unit = static_cast<float>(expected.bytes[i]) / 255.0f;
                wrong +=
                    batch.images.values[i] != (unit - options.preprocessing.mean[c]) / options.preprocessing.std[c];
            }
            CHECK(wrong == 0);
        }
    }

    TEST_CASE("the second view of an image is its mirror image, a later one another") {
        const TemporaryFolder folder;
        write_file(folder, "a.jpg", text_of(file_bytes(image_fixture("420.jpg"))));
        DatasetOptions calibration;
        calibration.role = DatasetRole::calibration;
        const auto dataset = open_dataset(folder.path().string(), calibration);
        const auto view = [&](int number) {
            BatchOptions options;
            options.batch = 1;
            options.preprocessing.resize = 40;
            options.preprocessing.crop = 32;
            options.view = number;
            options.view_seed = 3;
            BatchStream stream(*dataset, {0}, options);
            Batch batch;
            REQUIRE(stream.next(batch));
            return batch.images.values;
        };
        const std::vector<float> first = view(0), second = view(1), third = view(2);
        REQUIRE(first.size() == 32 * 32 * 3);
        size_t wrong = 0;
        for (size_t row = 0; row < 32; ++row) {
            for (size_t i = 0; i < 32 * 3; ++i) {
                const size_t mirrored = (row * 32 + 31 - i / 3) * 3 + i % 3;
                wrong += second[row * 32 * 3 + i] != first[mirrored];
            }
        }
        CHECK(wrong == 0);
        CHECK(third.size() == first.size());
        CHECK((third != first && third != second));
    }

    TEST_CASE("augmented images depend on the seed and the item, not on threads or order") {
        const TemporaryFolder folder;
        for (const char* name : {"wide.jpg", "tall.jpg", "420.jpg"})
            write_file(folder, name, text_of(file_bytes(image_fixture(name))));
        DatasetOptions calibration;
        calibration.role = DatasetRole::calibration;
        const auto dataset = open_dataset(folder.path().string(), calibration);
        const auto images = [&](std::vector<int64_t> items, uint64_t seed, int threads) {
            BatchOptions options;
            options.batch = 3;
            options.threads = threads;
            options.preprocessing.resize = 40;
            options.preprocessing.crop = 32;
            options.augment_seed = seed;
            BatchStream stream(*dataset, std::move(items), options);
            Batch batch;
            REQUIRE(stream.next(batch));
            return batch.images.values;
        };
        const std::vector<float> first = images({0, 1, 2}, 1, 1), again = images({2, 1, 0}, 1, 3);
        const std::ptrdiff_t size = 32 * 32 * 3;
        for (std::ptrdiff_t i = 0; i < 3; ++i) {
            CHECK(std::equal(first.begin() + i * size, first.begin() + (i + 1) * size, again.begin() + (2 - i) * size));
        }
        CHECK(first != images({0, 1, 2}, 2, 1));
    }
}
