#include <doctest/doctest.h>

#include <cmath>

#include "loaders/images/geometry.h"

using namespace adaq;

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
            const Window& part = plan.source;
            CHECK((part.y >= 0 && part.x >= 0 && part.y + part.height <= 500 && part.x + part.width <= 500));
            CHECK((plan.resized == ImageSize{224, 224} && plan.crop == Window{0, 0, 224, 224}));
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
        CHECK(flips == doctest::Approx(kDraws / 2).epsilon(0.05));
    }

    TEST_CASE("an image too long for any draw gives the central part of the allowed ratio") {
        const ResizePlan wide = plan_augmentation({10, 1000}, {8, 8}, 1, 2);
        CHECK(wide.source == Window{0, 493, 10, 13});
        const ResizePlan tall = plan_augmentation({1000, 10}, {8, 8}, 1, 2);
        CHECK(tall.source == Window{493, 0, 13, 10});
    }
}
