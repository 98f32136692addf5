#include <doctest/doctest.h>

#include <cmath>

#include "loaders/images/geometry.h"

using namespace adaq;

TEST_SUITE("calibration views") {
    TEST_CASE("the first is the image as it is evaluated, the second that mirrored") {
        Preprocessing preprocessing;
        preprocessing.resize = 256;
        preprocessing.crop = 224;
        const ResizePlan evaluation = plan_evaluation({300, 400}, preprocessing, "image");
        for (int view : {0, 1}) {
            const ResizePlan plan = plan_view({300, 400}, evaluation, view, 5, 17);
            CHECK(plan.source == evaluation.source);
            CHECK(plan.resized == evaluation.resized);
            CHECK(plan.crop == evaluation.crop);
            CHECK(plan.flip == (view == 1));
        }
    }

    TEST_CASE("later ones are parts of the output's proportions, evenly spread, half of them mirrored") {
        constexpr int kDraws = 4000;
        const ResizePlan evaluation = plan_evaluation({300, 400}, {0, 0, {}, {}}, "image");
        Preprocessing square;
        square.resize = 256;
        square.crop = 224;
        const ResizePlan of_square = plan_evaluation({300, 400}, square, "image");
        double edges = 0.0, middle = 0.0;
        int flips = 0;
        for (int index = 0; index < kDraws; ++index) {
            const auto item = static_cast<uint64_t>(index);
            const ResizePlan whole = plan_view({300, 400}, evaluation, 2, 1, item);
            CHECK((whole.source.height >= 240 && whole.source.height <= 300));
            CHECK(std::abs(whole.source.width * 3 - whole.source.height * 4) <= 4);
            const ResizePlan plan = plan_view({300, 400}, of_square, 3, 1, item);
            const Window& part = plan.source;
            CHECK((part.y >= 0 && part.x >= 0 && part.y + part.height <= 300 && part.x + part.width <= 400));
            CHECK((part.height == part.width && part.height >= 240 && part.height <= 300));
            CHECK((plan.resized == ImageSize{224, 224} && plan.crop == Window{0, 0, 224, 224}));
            edges += part.height / 300.0;
            middle += (part.x + part.width / 2.0) / 400.0;
            flips += plan.flip;
        }
        CHECK(edges / kDraws == doctest::Approx(0.9).epsilon(0.01));
        CHECK(middle / kDraws == doctest::Approx(0.5).epsilon(0.02));
        CHECK(flips == doctest::Approx(kDraws / 2).epsilon(0.05));
    }

    TEST_CASE("a part depends on seed, index and view alone") {
        const ResizePlan evaluation = plan_evaluation({300, 400}, {0, 0, {}, {}}, "image");
        const auto source = [&](int view, uint64_t seed, uint64_t index) {
            return plan_view({300, 400}, evaluation, view, seed, index).source;
        };
        CHECK(source(2, 5, 17) == source(2, 5, 17));
        CHECK(source(2, 5, 17) != source(3, 5, 17));
        CHECK(source(2, 5, 17) != source(2, 6, 17));
        CHECK(source(2, 5, 17) != source(2, 5, 18));
        CHECK(source(kMostViews - 1, 5, 17) != source(2, 5, 18));
    }

    TEST_CASE("an image of one pixel is its own part") {
        const ResizePlan evaluation = plan_evaluation({1, 1}, {0, 3, {}, {}}, "image");
        const ResizePlan plan = plan_view({1, 1}, evaluation, 2, 1, 1);
        CHECK(plan.source == Window{0, 0, 1, 1});
        CHECK(plan.output() == ImageSize{3, 3});
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
