// What adaq-bench times on a card: every convolution of ResNet18 compiles and runs with its activations stored as bf16,
// and gives what it gives of the same rounded operands in float32; and on codes, with the reference's result.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "engine/bf16.h"
#include "tools/bench/convolution_program.h"

using namespace adaq;

namespace {

constexpr int kImage = 32, kBatch = 1;

/// The result of the one operation that the benchmark's program holds; its operands are the same whatever the storage.
std::vector<float> result(const ConvolutionCase& shape, Direction direction, Storage storage) {
    const auto device = make_device("cuda", 0, Math::bf16);
    const Program program = ConvolutionPrograms(*device).make(shape, kBatch, direction, storage);
    device->compile(program)->run();
    const auto& tensors = program.tensors();
    const size_t written = tensors.size() - (direction == Direction::forward ? 2 : 1);  // the shift is bound last
    const Buffer& bound = tensors[written].bound;
    std::vector<float> values(static_cast<size_t>(element_count(bound->shape())));
    device->download(*bound, values);
    return values;
}

/// The same of codes.
std::vector<float> codes_of(const std::string& name, const ConvolutionCase& shape) {
    const auto device = make_device(name, 0);
    const Program program =
        ConvolutionPrograms(*device).make(shape, kBatch, Direction::forward, {DType::u8, DType::u8});
    device->compile(program)->run();
    const Buffer& y = program.tensors()[2].bound;  // behind x and w
    std::vector<float> values(static_cast<size_t>(element_count(y->shape())));
    device->download(*y, values);
    return values;
}

}  // namespace

TEST_SUITE("emulator: convolutions as adaq-bench times them") {
    TEST_CASE("codes give the reference's codes, layer by layer, and most of them lie between the ends") {
        for (const ConvolutionCase& shape : resnet18_convolutions(kImage, "")) {
            CAPTURE(shape.layer);
            const std::vector<float> codes = codes_of("cuda", shape);
            REQUIRE(codes == codes_of("reference", shape));
            const auto inner =
                std::count_if(codes.begin(), codes.end(), [](float c) { return c > 0.0f && c < 255.0f; });
            CHECK(static_cast<size_t>(inner) > codes.size() / 3);
        }
    }

    TEST_CASE("activations in bf16 give the rounded result of activations in float32, layer by layer") {
        for (const ConvolutionCase& shape : resnet18_convolutions(kImage, "")) {
            CAPTURE(shape.layer);
            const Storage storage = bf16_on_a_card(shape.w);
            CHECK((storage.operands == DType::bf16) == (shape.layer != "conv1"));
            CHECK(storage.results == DType::bf16);
            for (Direction direction : {Direction::forward, Direction::data, Direction::weights}) {
                CAPTURE(to_string(direction));
                const auto in_halves = result(shape, direction, storage), in_floats = result(shape, direction, {});
                REQUIRE(in_halves.size() == in_floats.size());
                size_t different = 0, zeros = 0;
                for (size_t i = 0; i < in_floats.size(); ++i) {
                    const bool rounded = direction != Direction::weights;
                    const float expected = rounded ? to_float(to_bf16(in_floats[i])) : in_floats[i];
                    different += in_halves[i] != expected ? 1 : 0;
                    zeros += in_halves[i] == 0.0f ? 1 : 0;
                }
                CHECK(different == 0);
                CHECK(zeros < in_floats.size());
            }
        }
    }
}
