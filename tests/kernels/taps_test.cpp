// Convolutions on small maps, tap by tap, in three directions against the reference: in float32, and in bf16 where the
// processor multiplies it.
#include "kernels/cpu/taps.h"

#include <doctest/doctest.h>

#include "engine/bf16.h"
#include "engine/error.h"
#include "kernels/cpu/training/convolution_gradients.h"
#include "support/operations.h"

using namespace adaq;
using namespace adaq::test;

namespace {

struct TapsCase {
    Shape x, w, y;
    int stride, padding;
};

const std::vector<TapsCase> kCases{{{3, 2, 2, 64}, {96, 3, 3, 64}, {3, 2, 2, 96}, 1, 1},
                                   {{2, 7, 5, 64}, {64, 3, 3, 64}, {2, 4, 3, 64}, 2, 1},
                                   {{2, 4, 3, 64}, {72, 3, 3, 64}, {2, 2, 2, 72}, 2, 1},
                                   {{2, 4, 4, 72}, {64, 1, 1, 72}, {2, 2, 2, 64}, 2, 0},
                                   // Taps that read nothing but padding.
                                   {{2, 1, 2, 64}, {64, 5, 5, 64}, {2, 1, 2, 64}, 1, 2}};

/// What a case reads: x, w and dy are operands of products, the others are added.
struct Inputs {
    std::vector<float> x, w, dy, scale, shift, addend;

    explicit Inputs(const TapsCase& c) {
        Values values(5);
        x = values.reals(element_count(c.x));
        w = values.reals(element_count(c.w));
        dy = values.reals(element_count(c.y));
        scale = values.reals(c.w[0]);
        shift = values.reals(c.w[0]);
        addend = values.reals(element_count(c.x));
    }
    Inputs rounded() const {
        Inputs copy = *this;
        for (auto* operand : {&copy.x, &copy.w, &copy.dy})
            for (float& value : *operand) value = to_float(to_bf16(value));
        return copy;
    }
};

/// y (with an epilogue), dx (with an addend) and dw, as a program of training computes them.
std::vector<std::vector<float>> convolve(Device& device, const TapsCase& c, const Inputs& inputs) {
    Program program;
    const auto put = [&](const Shape& shape, const std::vector<float>& values) {
        const Buffer buffer = device.create(shape);
        device.upload(*buffer, values);
        return buffer;
    };
    const auto bind = [&](const Shape& shape, const std::vector<float>& values) {
        return program.bind(put(shape, values));
    };
    // 7 until written, so that a value left out shows.
    std::vector<Buffer> results;
    for (const Shape& shape : {c.y, c.x, c.w})
        results.push_back(put(shape, std::vector<float>(static_cast<size_t>(element_count(shape)), 7.0f)));
    const TensorId x = bind(c.x, inputs.x), w = bind(c.w, inputs.w), dy = bind(c.y, inputs.dy);
    Convolution forward{x, w, program.bind(results[0]), ConvolutionWindow::square(c.stride, c.padding)};
    forward.epilogue.scale = bind({c.w[0]}, inputs.scale);
    forward.epilogue.shift = bind({c.w[0]}, inputs.shift);
    forward.epilogue.activation = Activation::relu();
    program.add(forward);
    ConvolutionToData to_data{dy, w, program.bind(results[1]), ConvolutionWindow::square(c.stride, c.padding)};
    to_data.addend = bind(c.x, inputs.addend);
    program.add(to_data);
    program.add(ConvolutionToWeights{x, dy, program.bind(results[2]), ConvolutionWindow::square(c.stride, c.padding)});
    device.compile(program)->run(2);
    std::vector<std::vector<float>> values;
    for (const Buffer& result : results) {
        values.emplace_back(static_cast<size_t>(element_count(result->shape())));
        device.download(*result, values.back());
    }
    return values;
}

}  // namespace

TEST_SUITE("taps") {
    TEST_CASE("small maps give the reference's values in three directions, whatever stride and padding") {
        const auto reference = make_device("reference"), device = make_device("cpu", 2);
        for (const TapsCase& c : kCases) {
            CAPTURE(to_string(c.x));
            const Inputs inputs(c);
            const auto found = convolve(*device, c, inputs), expected = convolve(*reference, c, inputs);
            for (size_t i = 0; i < 3; ++i) CHECK(relative_error(found[i], expected[i]) < 1e-5);
        }
    }

    TEST_CASE("in bf16 they are those of the rounded operands") {
        std::unique_ptr<Device> device;
        try {
            device = make_device("cpu", 2, Math::bf16);
        } catch (const UsageError&) {
            return;
        }
        const auto reference = make_device("reference");
        for (const TapsCase& c : kCases) {
            CAPTURE(to_string(c.x));
            const Inputs inputs(c);
            const auto found = convolve(*device, c, inputs), exact = convolve(*reference, c, inputs);
            const auto expected = convolve(*reference, c, inputs.rounded());
            // In the first case every direction goes by taps; elsewhere a scale may be folded into rounded weights.
            for (size_t i = &c == &kCases.front() ? 0 : 1; i < 3; ++i) {
                CHECK(relative_error(found[i], expected[i]) < 1e-5);
                CHECK(relative_error(found[i], exact[i]) > 1e-4);  // it did round
            }
        }
    }

    TEST_CASE("gradients are left to oneDNN where maps are large or channels few") {
        const auto taken = [](const Shape& x, const Shape& w, const Shape& y) {
            const auto device = make_device("cpu", 1);
            Program program;
            const TensorId xs = program.bind(device->create(x)), ws = program.bind(device->create(w)),
                           ys = program.bind(device->create(y));
            return std::pair(
                cpu::compile_taps(program, ConvolutionToData{ys, ws, xs, ConvolutionWindow::square(1, 1)},
                                  cpu::TrainingSetting{}) != nullptr,
                cpu::compile_taps(program, ConvolutionToWeights{xs, ys, ws, ConvolutionWindow::square(1, 1)},
                                  cpu::TrainingSetting{}) != nullptr);
        };
        CHECK(taken({2, 2, 2, 64}, {64, 3, 3, 64}, {2, 2, 2, 64}) == std::pair(true, true));
        CHECK(taken({2, 4, 4, 64}, {64, 3, 3, 64}, {2, 4, 4, 64}) == std::pair(false, true));
        CHECK(taken({2, 5, 4, 64}, {64, 3, 3, 64}, {2, 5, 4, 64}) == std::pair(false, false));
        CHECK(taken({2, 2, 2, 32}, {64, 3, 3, 32}, {2, 2, 2, 64}) == std::pair(false, false));
    }
}
