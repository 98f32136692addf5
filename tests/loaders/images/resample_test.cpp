#include <doctest/doctest.h>

#include <random>

#include "loaders/images/reader.h"
#include "loaders/images/resample.h"
#include "support/format_fixtures.h"

using namespace adaq;
using namespace adaq::test;

namespace {

Image carry_out(const ResizePlan& plan, const std::string& file, int channels) {
    ImageReader reader;
    reader.open_file(image_fixture(file));
    Resampler resampler;
    Image window, out;
    reader.read(channels, resampler.prepare(plan), window);
    resampler.run(window, out);
    return out;
}

/// Everything again with the loops that processors without AVX2 use.
struct PlainKernels {
    PlainKernels() { use_plain_resample_kernels(true); }
    ~PlainKernels() { use_plain_resample_kernels(false); }
};

void check_preprocessing() {
    for (const ImageCase& expected : image_cases("preprocess")) {
        CAPTURE(expected.about.dump());
        Preprocessing preprocessing;
        preprocessing.resize = expected.about.at("resize");
        preprocessing.crop = expected.about.at("crop");
        const ImageSize size = read_image_size(image_fixture(expected.file()));
        const Image image =
            carry_out(plan_evaluation(size, preprocessing, "x"), expected.file(), expected.dimension(2));
        CHECK(image.height == expected.dimension(0));
        CHECK(image.width == expected.dimension(1));
        CHECK(image.pixels == expected.bytes);
    }
}

}  // namespace

TEST_SUITE("image resizing") {
    TEST_CASE("resize and centre crop give torchvision's pixels") { check_preprocessing(); }

    TEST_CASE("resize and centre crop give torchvision's pixels on any processor") {
        const PlainKernels plain;
        check_preprocessing();
    }

    TEST_CASE("a part resized is Pillow's crop, then resize") {
        for (const ImageCase& expected : image_cases("part")) {
            CAPTURE(expected.about.dump());
            const auto number = [&](const char* key) { return expected.about.at(key).get<int>(); };
            ResizePlan plan;
            plan.source = {number("y"), number("x"), number("height"), number("width")};
            plan.resized = {number("size"), number("size")};
            plan.crop = {0, 0, number("size"), number("size")};
            CHECK(carry_out(plan, expected.file(), 3).pixels == expected.bytes);
        }
    }

    TEST_CASE("bicubic resizing gives Pillow's pixels, on any processor") {
        for (const bool plain : {false, true}) {
            use_plain_resample_kernels(plain);
            for (const ResizeCase& each : FormatFixtures::get().resized) {
                ResizePlan plan;
                plan.source = {0, 0, each.from.height, each.from.width};
                plan.resized = each.to.size();
                plan.crop = {0, 0, each.to.height, each.to.width};
                plan.interpolation = Interpolation::bicubic;
                CAPTURE(plan.resized.height);
                CAPTURE(plan.resized.width);
                Resampler resampler;
                CHECK(resampler.prepare(plan) == plan.source);
                Image image = each.from, out;
                resampler.run(image, out);
                CHECK(out.pixels == each.to.pixels);
            }
        }
        use_plain_resample_kernels(false);
    }

    TEST_CASE("a crop of a bicubically resized image has the pixels of the whole") {
        ResizePlan plan;
        plan.source = {0, 0, 61, 97};
        plan.resized = {40, 64};
        plan.crop = {0, 0, 40, 64};
        plan.interpolation = Interpolation::bicubic;
        const Image whole = carry_out(plan, "420.jpg", 3);
        plan.crop = {13, 17, 20, 30};
        const Image part = carry_out(plan, "420.jpg", 3);
        for (int y = 0; y < 20; ++y)
            CHECK(std::equal(part.row(y), part.row(y) + part.row_bytes(), whole.row(13 + y) + ptrdiff_t{3} * 17));
    }

    TEST_CASE("one resampler does bilinear after bicubic of the same sizes") {
        Preprocessing preprocessing;
        preprocessing.resize = 40;
        Resampler resampler;
        const auto run = [&](Interpolation interpolation) {
            preprocessing.interpolation = interpolation;
            Image image = decode_image(image_fixture("420.jpg"), 3), out;
            resampler.prepare(plan_evaluation(image.size(), preprocessing, "x"));
            resampler.run(image, out);
            return out.pixels;
        };
        const std::vector<uint8_t> bilinear = run(Interpolation::bilinear);
        CHECK(run(Interpolation::bicubic) != bilinear);
        CHECK(run(Interpolation::bilinear) == bilinear);
    }

    TEST_CASE("a flipped plan mirrors left and right") {
        ResizePlan plan;
        plan.source = {0, 0, 61, 97};
        plan.resized = {30, 31};
        plan.crop = {2, 3, 20, 21};
        const Image straight = carry_out(plan, "420.jpg", 3);
        plan.flip = true;
        const Image flipped = carry_out(plan, "420.jpg", 3);
        int wrong = 0;
        for (int y = 0; y < 20; ++y) {
            for (int x = 0; x < 21; ++x) {
                for (int c = 0; c < 3; ++c) wrong += straight.row(y)[3 * x + c] != flipped.row(y)[3 * (20 - x) + c];
            }
        }
        CHECK(wrong == 0);
    }

    TEST_CASE("every size from 1x1 up resizes without touching a byte too many, with equal results on any processor") {
        std::mt19937 random(3);
        Resampler resampler;
        for (const int channels : {1, 3}) {
            for (int trial = 0; trial < 300; ++trial) {
                const auto size = [&] { return 1 + static_cast<int>(random() % 40); };
                ResizePlan plan;
                plan.source = {0, 0, size(), size()};
                plan.resized = {size(), size()};
                plan.crop = {0, 0, plan.resized.height, plan.resized.width};
                plan.interpolation = trial % 2 == 0 ? Interpolation::bilinear : Interpolation::bicubic;
                const Rectangle needed = resampler.prepare(plan);
                Image image, fast, plain;
                image.reshape(needed.height, needed.width, channels);
                for (uint8_t& pixel : image.pixels) pixel = static_cast<uint8_t>(random());
                Image copy = image;
                image.pixels.shrink_to_fit();
                resampler.run(image, fast);
                const PlainKernels kernels;
                resampler.run(copy, plain);
                CAPTURE(plan.source.height);
                CAPTURE(plan.source.width);
                CAPTURE(plan.resized.height);
                CAPTURE(plan.resized.width);
                CHECK(fast.pixels == plain.pixels);
            }
        }
    }

    TEST_CASE("a resized image of absurd size is refused") {
        Preprocessing preprocessing;
        preprocessing.resize = 256;
        CHECK_THROWS_AS(plan_evaluation({1, 1 << 24}, preprocessing, "thin.png"), DataError);
    }
}
