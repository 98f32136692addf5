// Programs for another number of images: the same values, and constants that are shared.
#include "engine/program/rebatch.h"

#include <doctest/doctest.h>

#include "engine/program/buffers.h"
#include "support/devices.h"
#include "support/operations.h"

using namespace adaq;
using namespace adaq::test;

TEST_SUITE("rebatch") {
    TEST_CASE("three images at once give what each gives alone, and another operation may write the input") {
        Values values(3);
        const std::vector<float> images = values.reals(3 * 4 * 5 * 6), weights = values.reals(7 * 3 * 3 * 6);
        for (const std::string& name : devices_under_test()) {
            const auto device = make_device(name, 1);
            Program program;
            const Buffer x = device->create({1, 4, 5, 6}), y = device->create({1, 4, 5, 7});
            const TensorId x_id = program.bind(x), y_id = program.bind(y), between = program.temporary({1, 4, 5, 7});
            const TensorId w = program.bind(put(*device, {7, 3, 3, 6}, weights));
            program.add(Convolution{x_id, w, between, ConvolutionWindow::square(1, 1)});
            program.add(Addition{between, between, y_id});
            const auto compiled = device->compile(program);
            std::vector<float> expected;
            for (int i = 0; i < 3; ++i) {
                device->upload(*x, std::span(images).subspan(i * 120, 120));
                compiled->run(1);
                const std::vector<float> one = get(*device, *y);
                expected.insert(expected.end(), one.begin(), one.end());
            }
            const Buffer input = device->create({3, 4, 5, 6}), output = device->create({3, 4, 5, 7});
            device->upload(*input, images);
            const Program three = rebatched(program, 3, {{x_id, input}, {y_id, output}});
            CHECK(three.tensor(w).bound == program.tensor(w).bound);
            device->compile(three)->run(1);
            CHECK(relative_error(get(*device, *output), expected) < 1e-6);

            Program written = rebatched(program, 3, {{x_id, nullptr}, {y_id, output}});
            const Buffer half = device->create({3, 4, 5, 6});
            std::vector<float> halves = images;
            for (float& value : halves) value *= 0.5f;
            device->upload(*half, halves);
            const TensorId half_id = written.bind(half);
            Addition twice{half_id, half_id, x_id};
            twice.activation = Activation::none();
            written.add_first(twice);
            device->compile(written)->run(1);
            CHECK(relative_error(get(*device, *output), expected) < 1e-6);

            CHECK_THROWS_AS(rebatched(program, 3, {{x_id, input}}), std::logic_error);
            CHECK_THROWS_AS(rebatched(program, 2, {{x_id, input}, {y_id, output}}), std::logic_error);
        }
    }
}
