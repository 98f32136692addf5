// Gradients to weights on small maps, tap by tap, against the reference: in float32, and in bf16 where the processor
// multiplies it.
#include "kernels/cpu/training/taps_gradient.h"

#include <doctest/doctest.h>

#include "engine/bf16.h"
#include "engine/error.h"
#include "support/operations.h"

using namespace adaq;
using namespace adaq::test;

namespace {

struct Case {
    Shape x, w, y;
    int stride, padding;
};

const std::vector<Case> kCases{{{3, 2, 2, 64}, {96, 3, 3, 64}, {3, 2, 2, 96}, 1, 1},
                               {{2, 7, 5, 64}, {64, 3, 3, 64}, {2, 4, 3, 64}, 2, 1},
                               {{2, 4, 4, 72}, {64, 1, 1, 72}, {2, 2, 2, 64}, 2, 0},
                               // Taps that read nothing but padding.
                               {{2, 1, 2, 64}, {64, 5, 5, 64}, {2, 1, 2, 64}, 1, 2}};

std::vector<float> weight_gradient(Device& device, const Case& c, const std::vector<float>& x,
                                   const std::vector<float>& dy) {
    const auto put = [&](const Shape& shape, const std::vector<float>& values) {
        Buffer buffer = device.create(shape);
        device.upload(*buffer, values);
        return buffer;
    };
    std::vector<float> dw(static_cast<size_t>(element_count(c.w)), 7.0f);  // so that a value left out shows
    const Buffer result = put(c.w, dw);
    Program program;
    program.add(ConvolutionToWeights{program.bind(put(c.x, x)), program.bind(put(c.y, dy)), program.bind(result),
                                     c.stride, c.padding});
    device.compile(program)->run(2);
    device.download(*result, dw);
    return dw;
}

std::vector<float> rounded(std::vector<float> values) {
    for (float& x : values) x = to_float(to_bf16(x));
    return values;
}

}  // namespace

TEST_SUITE("taps") {
    TEST_CASE("the gradient to weights on a small map is the reference's, whatever stride and padding") {
        const auto reference = make_device("reference"), device = make_device("cpu", 2);
        for (const Case& c : kCases) {
            CAPTURE(to_string(c.x));
            Values values(5);
            const auto x = values.reals(element_count(c.x)), dy = values.reals(element_count(c.y));
            CHECK(relative_error(weight_gradient(*device, c, x, dy), weight_gradient(*reference, c, x, dy)) < 1e-5);
        }
    }

    TEST_CASE("in bf16 it is that of the rounded operands") {
        std::unique_ptr<Device> device;
        try {
            device = make_device("cpu", 2, Math::bf16);
        } catch (const UsageError&) {
            return;
        }
        const auto reference = make_device("reference");
        for (const Case& c : kCases) {
            CAPTURE(to_string(c.x));
            Values values(6);
            const auto x = values.reals(element_count(c.x)), dy = values.reals(element_count(c.y));
            const auto found = weight_gradient(*device, c, x, dy);
            CHECK(relative_error(found, weight_gradient(*reference, c, rounded(x), rounded(dy))) < 1e-5);
            CHECK(relative_error(found, weight_gradient(*reference, c, x, dy)) > 1e-4);  // it did round
        }
    }

    TEST_CASE("it is left to oneDNN where maps are large or channels few") {
        const auto taken = [](const Shape& x, const Shape& w, const Shape& y) {
            const auto device = make_device("cpu", 1);
            Program program;
            const ConvolutionToWeights op{program.bind(device->create(x)), program.bind(device->create(y)),
                                          program.bind(device->create(w)), 1, 1};
            return cpu::make_taps_step(program, op, Math::f32) != nullptr;
        };
        CHECK(taken({2, 4, 4, 64}, {64, 3, 3, 64}, {2, 4, 4, 64}));
        CHECK_FALSE(taken({2, 5, 4, 64}, {64, 3, 3, 64}, {2, 5, 4, 64}));
        CHECK_FALSE(taken({2, 4, 4, 32}, {64, 3, 3, 32}, {2, 4, 4, 64}));
    }
}
