#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "loaders/images/resample.h"

using namespace adaq;

TEST_SUITE("calibration views") {
    TEST_CASE("the first is the image as it is evaluated, the second that mirrored") {
        Preprocessing preprocessing;
        preprocessing.resize = 256;
        preprocessing.crop = 224;
        const ResizePlan evaluation = plan_evaluation({300, 400}, preprocessing, "image");
        for (int view : {0, 1}) {
            const ResizePlan plan = plan_view(evaluation, view, 5, 17);
            CHECK(plan.source == evaluation.source);
            CHECK(plan.resized == evaluation.resized);
            CHECK(plan.crop == evaluation.crop);
            CHECK(plan.flip == (view == 1));
        }
    }

    TEST_CASE("later ones lie anywhere in the image and a little beyond, at the same scale, half of them mirrored") {
        constexpr int kDraws = 4000;
        Preprocessing preprocessing;
        preprocessing.resize = 256;
        preprocessing.crop = 224;
        const ResizePlan evaluation = plan_evaluation({300, 400}, preprocessing, "image");  // 256 x 341
        int flips = 0, top = 1000, bottom = -1000, left = 1000, right = -1000;
        double middle = 0.0;
        for (int index = 0; index < kDraws; ++index) {
            const ResizePlan plan = plan_view(evaluation, 2, 1, static_cast<uint64_t>(index));
            CHECK(plan.source == evaluation.source);
            CHECK(plan.resized == evaluation.resized);
            CHECK(plan.output() == evaluation.output());
            CHECK(plan.reflect);
            top = std::min(top, plan.crop.y), bottom = std::max(bottom, plan.crop.y);
            left = std::min(left, plan.crop.x), right = std::max(right, plan.crop.x);
            middle += plan.crop.x;
            flips += plan.flip;
        }
        CHECK(std::vector{top, bottom, left, right} == std::vector{-28, 32 + 28, -28, 341 - 224 + 28});
        CHECK(middle / kDraws == doctest::Approx((341 - 224) / 2.0).epsilon(0.03));
        CHECK(flips == doctest::Approx(kDraws / 2.0).epsilon(0.05));
    }

    TEST_CASE("a part depends on seed, index and view alone") {
        Preprocessing none;
        none.resize = none.crop = 0;
        const ResizePlan evaluation = plan_evaluation({300, 400}, none, "image");
        const auto crop = [&](int view, uint64_t seed, uint64_t index) {
            return plan_view(evaluation, view, seed, index).crop;
        };
        CHECK(crop(2, 5, 17) == crop(2, 5, 17));
        CHECK(crop(2, 5, 17) != crop(3, 5, 17));
        CHECK(crop(2, 5, 17) != crop(2, 6, 17));
        CHECK(crop(2, 5, 17) != crop(2, 5, 18));
        CHECK(crop(kMostViews - 1, 5, 17) != crop(2, 5, 18));
    }

    TEST_CASE("beyond its border an image is reflected, as often as it takes") {
        Image image;
        image.reshape(3, 4, 1);
        for (size_t i = 0; i < image.pixels.size(); ++i) image.pixels[i] = static_cast<uint8_t>(i / 4 * 10 + i % 4);
        ResizePlan plan;
        plan.source = {0, 0, 3, 4};
        plan.resized = {3, 4};
        plan.crop = {-1, -2, 4, 8};
        plan.reflect = true;
        Resampler resampler;
        CHECK(resampler.prepare(plan) == Rectangle{0, 0, 3, 4});
        Image out;
        resampler.run(image, out);
        const std::vector<uint8_t> row{2, 1, 0, 1, 2, 3, 2, 1};
        REQUIRE(out.pixels.size() == 4 * 8);
        for (size_t i = 0; i < out.pixels.size(); ++i) {
            const size_t lines[] = {10, 0, 10, 20};
            CHECK(out.pixels[i] == lines[i / 8] + row[i % 8]);
        }
    }

    TEST_CASE("of an image of one pixel every view is that pixel") {
        Preprocessing preprocessing;
        preprocessing.resize = 0;
        preprocessing.crop = 64;
        const ResizePlan evaluation = plan_evaluation({1, 1}, preprocessing, "image");
        for (int view = 2; view < 20; ++view) {
            const ResizePlan plan = plan_view(evaluation, view, 1, 1);
            Image image, out;
            image.reshape(1, 1, 1);
            image.pixels[0] = 77;
            Resampler resampler;
            CHECK(resampler.prepare(plan) == Rectangle{0, 0, 1, 1});
            resampler.run(image, out);
            CHECK(out.pixels == std::vector<uint8_t>(64 * 64, 77));
        }
    }
}

TEST_SUITE("calibration augmentation") {
    TEST_CASE("the part depends on seed and index alone") {
        const ResizePlan first = plan_augmentation({300, 400}, {224, 224}, 5, 17);
        plan_augmentation({300, 400}, {224, 224}, 5, 18);
        const ResizePlan again = plan_augmentation({300, 400}, {224, 224}, 5, 17);
        CHECK(first.source == again.source);
        CHECK(first.flip == again.flip);
        CHECK(first.source != plan_augmentation({300, 400}, {224, 224}, 5, 18).source);
        CHECK(first.source != plan_augmentation({300, 400}, {224, 224}, 6, 17).source);
    }

    TEST_CASE("parts lie inside the image, with torchvision's scales and ratios, evenly spread, half of them flipped") {
        constexpr int kDraws = 4000;
        double area_sum = 0, ratio_log_sum = 0;
        int flips = 0;
        for (int index = 0; index < kDraws; ++index) {
            const ResizePlan plan = plan_augmentation({500, 500}, {224, 224}, 1, static_cast<uint64_t>(index));
            const Rectangle& part = plan.source;
            CHECK((part.y >= 0 && part.x >= 0 && part.y + part.height <= 500 && part.x + part.width <= 500));
            CHECK((plan.resized == ImageSize{224, 224} && plan.crop == Rectangle{0, 0, 224, 224}));
            const double area = part.height * part.width / 250000.0,
                         ratio = static_cast<double>(part.width) / part.height;
            CHECK((area > 0.079 && area <= 1.0 && ratio > 0.744 && ratio < 1.344));
            area_sum += area;
            ratio_log_sum += std::log(ratio);
            flips += plan.flip;
        }
        // Draws that do not fit are repeated, which a square image does to large areas: the mean is a little below
        // 0.54.
        CHECK(area_sum / kDraws == doctest::Approx(0.513).epsilon(0.03));
        CHECK(std::abs(ratio_log_sum / kDraws) < 0.01);
        CHECK(flips == doctest::Approx(kDraws / 2.0).epsilon(0.05));
    }

    TEST_CASE("an image too long for any draw gives the central part of the allowed ratio") {
        const ResizePlan wide = plan_augmentation({10, 1000}, {8, 8}, 1, 2);
        CHECK(wide.source == Rectangle{0, 493, 10, 13});
        const ResizePlan tall = plan_augmentation({1000, 10}, {8, 8}, 1, 2);
        CHECK(tall.source == Rectangle{493, 0, 13, 10});
    }
}
