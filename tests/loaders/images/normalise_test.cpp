#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "loaders/images/normalise.h"
#include "support/image_fixtures.h"

using namespace adaq;
using namespace adaq::test;

TEST_SUITE("image normalisation") {
    TEST_CASE("all pixel values normalise to torchvision's floats, bit for bit") {
        const std::vector<float> expected = image_cases("normalise").front().floats();
        Image ramp;
        ramp.reshape(256, 1, 3);
        for (int value = 0; value < 256; ++value) std::fill_n(ramp.row(value), 3, static_cast<uint8_t>(value));
        std::vector<float> found(expected.size());
        Normaliser(Preprocessing{}, 3).run(ramp, found.data());
        CHECK(found == expected);
    }

    TEST_CASE("grey images of any width take the one mean and deviation") {
        Preprocessing preprocessing;
        preprocessing.mean = {0.2860f};
        preprocessing.std = {0.3530f};
        const Normaliser normaliser(preprocessing, 1);
        for (int width = 1; width < 60; ++width) {
            Image image;
            image.reshape(1, width, 1);
            for (int x = 0; x < width; ++x) image.pixels[static_cast<size_t>(x)] = static_cast<uint8_t>(x * 37);
            std::vector<float> found(static_cast<size_t>(width));
            normaliser.run(image, found.data());
            for (size_t x = 0; x < found.size(); ++x) {
                CHECK(found[x] == (static_cast<float>(image.pixels[x]) / 255.0f - 0.2860f) / 0.3530f);
            }
        }
    }

    TEST_CASE("means and deviations that do not fit are refused") {
        Preprocessing preprocessing;
        CHECK_THROWS_AS(Normaliser(preprocessing, 1), DataError);
        preprocessing.std[1] = 0;
        CHECK_THROWS_AS(Normaliser(preprocessing, 3), DataError);
        preprocessing.std[1] = NAN;
        CHECK_THROWS_AS(Normaliser(preprocessing, 3), DataError);
    }
}
