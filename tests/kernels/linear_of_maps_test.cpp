// A fully connected layer reads a map, [N,H,W,C], as one row an image: the same bits as of the same values as features,
// in every direction and in integers.
#include <doctest/doctest.h>

#include <cmath>

#include "support/devices.h"
#include "support/operations.h"
#include "support/program_builder.h"

using namespace adaq;
using namespace adaq::test;

namespace {

constexpr int64_t kImages = 3, kOutputs = 5;
const Shape kMap{kImages, 4, 3, 7}, kFeatures{kImages, 84}, kWeight{kOutputs, 84}, kResult{kImages, kOutputs};

/// What the three products make of an input of this shape.
std::vector<std::vector<double>> products(const std::string& device, const Shape& x_shape) {
    Values values(11);
    ProgramBuilder b(device);
    const TensorId x = b.put("x", x_shape, values.reals(element_count(x_shape)));
    const TensorId w = b.put("w", kWeight, values.reals(element_count(kWeight)));
    const TensorId dy = b.put("dy", kResult, values.reals(element_count(kResult)));
    b.add(Linear{x, w, b.out("y", kResult)});
    b.add(LinearToData{dy, w, b.out("dx", x_shape)});
    b.add(LinearToWeights{x, dy, b.out("dw", kWeight)});
    b.run();
    return {b.get("y"), b.get("dx"), b.get("dw")};
}

std::vector<float> of_codes(const std::string& name, const Shape& x_shape) {
    Values values(12);
    Bench bench(name);
    Device& device = bench.device();
    const auto put = [&](const Shape& shape, const std::vector<float>& from, DType dtype) {
        const Buffer buffer = device.create(shape, dtype);
        device.upload(*buffer, from);
        return buffer;
    };
    Program program;
    IntegerLinear op;
    op.x = program.bind(put(x_shape, values.wholes(element_count(x_shape), 0, 255), DType::u8));
    op.w = program.bind(put(kWeight, values.wholes(element_count(kWeight), -128, 127), DType::i8));
    op.x_zero = 9;
    const Buffer y = put(kResult, std::vector<float>(static_cast<size_t>(element_count(kResult))), DType::f32);
    op.y = program.bind(y);
    program.add(op);
    device.compile(program)->run();
    return bench.get(y);
}

}  // namespace

TEST_SUITE("fully connected layers of maps") {
    TEST_CASE("a map gives the bits of its features, forward and in both gradients") {
        for (const std::string& device : all_devices()) {
            CAPTURE(device);
            CHECK(products(device, kMap) == products(device, kFeatures));
        }
    }

    TEST_CASE("a map of codes gives the bits of its features") {
        const std::vector<float> expected = of_codes("reference", kFeatures);
        for (const std::string& device : all_devices()) {
            CAPTURE(device);
            CHECK(of_codes(device, kMap) == expected);
        }
    }

    TEST_CASE("sums of 25,088 features, as VGG has them, round as sums of some hundreds do") {
        constexpr int64_t kMany = 25088;
        for (const std::string& device : all_devices()) {
            CAPTURE(device);
            Bench bench(device);
            Values values(13);
            const std::vector<float> x = values.reals(kImages * kMany), w = values.reals(kOutputs * kMany);
            Program program;
            const Buffer y = bench.device().create(kResult);
            program.add(Linear{program.bind(bench.put({kImages, kMany}, x)),
                               program.bind(bench.put({kOutputs, kMany}, w)), program.bind(y)});
            bench.device().compile(program)->run();
            const std::vector<float> found = bench.get(y);
            double squares = 0.0, of_result = 0.0;
            for (int64_t i = 0; i < kImages * kOutputs; ++i) {
                double sum = 0.0;
                for (int64_t c = 0; c < kMany; ++c)
                    sum += static_cast<double>(x[i / kOutputs * kMany + c]) * w[i % kOutputs * kMany + c];
                squares += std::pow(found[static_cast<size_t>(i)] - sum, 2);
                of_result += sum * sum;
            }
            INFO(std::sqrt(squares / of_result));
            CHECK(std::sqrt(squares / of_result) < 1e-6);
        }
    }

    TEST_CASE("a map of another size does not fit the weight") {
        ProgramBuilder b("reference");
        const TensorId w = b.zeros("w", kWeight);
        b.add(Linear{b.zeros("x", {kImages, 4, 4, 7}), w, b.out("y", kResult)});
        CHECK_THROWS_WITH_AS(check(b.program()), "linear: x has 112 features, w 84", std::logic_error);
    }
}
