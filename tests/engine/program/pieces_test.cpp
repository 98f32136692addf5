// Programs of inference cut into pieces of some images each: the same values in less memory, on every device.
#include "engine/program/pieces.h"

#include <doctest/doctest.h>

#include "engine/error.h"
#include "engine/program/arena.h"
#include "support/devices.h"
#include "support/operations.h"
#include "support/program_builder.h"

using namespace adaq;
using namespace adaq::test;

namespace {

constexpr int64_t kImages = 7;

/// A residual block with quantisers behind a strided convolution, pooled, to logits: every operation of inference.
class Block : public ProgramBuilder {
  public:
    explicit Block(const std::string& device) : ProgramBuilder(device) {
        Values values(3);
        const auto constant = [&](const std::string& name, const Shape& shape) {
            return put(name, shape, values.reals(element_count(shape)));
        };
        const auto quantiser = [&](const std::string& name, float scale, bool codes) {
            return OutputQuantiser{{4, false}, put(name, {1}, {scale}), 7.0f, codes};
        };
        const TensorId image = constant("image", {kImages, 8, 9, 8}), x = temporary({kImages, 8, 9, 8}),
                       pooled = temporary({kImages, 4, 5, 8}), first = temporary({kImages, 4, 5, 16}),
                       second = temporary({kImages, 4, 5, 16}), sum = temporary({kImages, 4, 5, 16}),
                       mean = temporary({kImages, 16});
        add(FakeQuantise{image, x, quantiser("image scale", 0.3f, false)});
        add(MaxPool{x, pooled});
        Convolution op{pooled, constant("w1", {16, 3, 3, 8}), first, ConvolutionWindow::square(1, 1)};
        op.epilogue.shift = constant("shift", {16});
        op.epilogue.activation = Activation::relu();
        op.epilogue.quantiser = quantiser("first scale", 0.5f, true);
        add(op);
        Convolution next{first, constant("w2", {16, 3, 3, 16}), second, ConvolutionWindow::square(1, 1)};
        next.epilogue.scale = constant("factor", {16});
        next.epilogue.residual = first;
        next.epilogue.residual_scale = 0.5f;
        add(next);
        add(Addition{second, first, sum, 1.0f, 0.5f, quantiser("sum scale", 0.4f, false)});
        add(GlobalAveragePool{sum, mean, 0.5f});
        Linear linear{mean, constant("w3", {5, 16}), out("logits", {kImages, 5}), {}};
        linear.epilogue.shift = constant("bias", {5});
        add(linear);
    }
};

int64_t temporary_bytes(const Program& program) { return make_arena(program).floats * 4; }

}  // namespace

TEST_SUITE("programs in pieces") {
    TEST_CASE("the values are those of the whole program, in as little memory as asked for") {
        for (const std::string& device : all_devices()) {
            CAPTURE(device);
            Block whole(device);
            whole.run();
            const auto expected = whole.get("logits");
            const int64_t all = temporary_bytes(whole.program());
            for (int64_t images : {1, 2, 3, 6}) {
                CAPTURE(images);
                Block block(device);
                const int64_t most = all * images / kImages + 64;
                block.program() = in_pieces(block.program(), {most});
                CHECK(temporary_bytes(block.program()) <= most);
                const auto pieces = static_cast<size_t>((kImages + images - 1) / images);
                CHECK(block.program().operations().size() == pieces * whole.program().operations().size());
                block.run();
                if (device == "reference") CHECK(block.get("logits") == expected);
                CHECK(distance(block.get("logits"), expected) < 1e-5);
            }
        }
    }

    TEST_CASE("what fits stays whole, and an image is not cut") {
        Block block("reference");
        const size_t operations = block.program().operations().size();
        CHECK(in_pieces(block.program(), {temporary_bytes(block.program())}).operations().size() == operations);
        CHECK(in_pieces(block.program(), {1}).operations().size() == operations * kImages);
    }

    TEST_CASE("bound tensors are cut, too: none has more elements in an operation than the limit") {
        for (const std::string& device : all_devices()) {
            CAPTURE(device);
            // What comes in and goes out is bound, and the quantiser works in place: nothing is a temporary.
            const auto make = [&](ProgramBuilder& builder) {
                Values values(5);
                const TensorId x = builder.put("x", {kImages, 6, 5, 4}, values.reals(kImages * 6 * 5 * 4)),
                               w = builder.put("w", {8, 1, 1, 4}, values.reals(8 * 4)),
                               y = builder.out("y", {kImages, 6, 5, 8});
                builder.add(Convolution{x, w, y, ConvolutionWindow::square(1, 0)});
                builder.add(FakeQuantise{y, y, {{4, false}, builder.put("scale", {1}, {0.3f}), 7.0f}});
            };
            ProgramBuilder whole(device);
            make(whole);
            whole.run();
            CHECK(temporary_bytes(whole.program()) == 0);
            constexpr int64_t kOfImage = 6 * 5 * 8;
            for (int64_t images : {1, 2, 3, 6}) {
                CAPTURE(images);
                ProgramBuilder builder(device);
                make(builder);
                const DeviceLimits limits{int64_t{1} << 30, images * kOfImage + 1};
                builder.program() = in_pieces(builder.program(), limits);
                const auto pieces = static_cast<size_t>((kImages + images - 1) / images);
                CHECK(builder.program().operations().size() == pieces * 2);
                CHECK_NOTHROW(check_limits(builder.program(), limits));
                builder.run();
                CHECK(distance(builder.get("y"), whole.get("y")) < 1e-5);
            }
            ProgramBuilder builder(device);
            make(builder);
            CHECK(in_pieces(builder.program(), {int64_t{1} << 30, kImages * kOfImage}).operations().size() == 2);
            CHECK(in_pieces(builder.program(), {int64_t{1} << 30, 1}).operations().size() == 2 * kImages);
        }
    }

    TEST_CASE("the limits of 2^31 elements and of a gigabyte are those of whole calibration sets") {
        constexpr DeviceLimits kCard{int64_t{1} << 30, kMostElements};
        // No memory is made for these: sizes alone.
        struct Sizes : DeviceTensor {
            using DeviceTensor::DeviceTensor;
        };
        Program stem;
        const TensorId x = stem.bind(std::make_shared<Sizes>(Shape{4096, 224, 224, 3})),
                       w = stem.bind(std::make_shared<Sizes>(Shape{64, 7, 7, 3})),
                       y = stem.bind(std::make_shared<Sizes>(Shape{4096, 112, 112, 64}));
        stem.add(Convolution{x, w, y, ConvolutionWindow::square(2, 3)});
        CHECK_THROWS_WITH_AS(check_limits(stem, kCard),
                             "operation 1 of 1, convolution of 4096x224x224x3, 64x7x7x3, 4096x112x112x64: a tensor of "
                             "3288334336 elements, expected at most 2146435072; smaller batches or images have fewer",
                             DataError);
        const Program pieces = in_pieces(stem, kCard);
        CHECK(pieces.operations().size() == 2);
        CHECK_NOTHROW(check_limits(pieces, kCard));
        CHECK(pieces.shape(std::get<Convolution>(pieces.operations()[1]).y) == Shape{2048, 112, 112, 64});
    }

    TEST_CASE("caches whose rows are read one by one may have any number of elements") {
        Program program;
        const TensorId cache = program.temporary({100, 8}), other = program.temporary({100, 8}),
                       indices = program.temporary({4}), batch = program.temporary({4, 8}),
                       loss = program.temporary({1});
        program.add(Gather{cache, batch, indices, Mixing{other, 0.5f, {}, program.temporary({kIterationValues})}});
        SquaredError error{batch, cache, batch, loss, indices};
        error.weight = other;
        program.add(error);
        program.add(KlDivergence{batch, cache, batch, loss, indices});
        CHECK_NOTHROW(check_limits(program, {.elements = 32}));
        CHECK_THROWS_AS(check_limits(program, {.elements = 31}), DataError);
        program.add(MaxPool{cache, batch});
        CHECK_THROWS_WITH(check_limits(program, {.elements = 32}),
                          "operation 4 of 4, max pool of 100x8, 4x8: a tensor of 800 elements, expected at most 32; "
                          "smaller batches or images have fewer");
    }

    TEST_CASE("programs that are not of inference, or not of one batch, stay whole") {
        Block block("reference");
        const auto whole = [](const Program& program) {
            return in_pieces(program, {1}).operations().size() == program.operations().size();
        };
        CHECK(is_inference(block.program()));
        CHECK_FALSE(whole(block.program()));
        Program other = block.program();
        other.add(FakeQuantise{other.temporary({3, 4}), other.temporary({3, 4}), {{4, false}, 0, 7.0f}});
        CHECK(whole(other));
        Program halves = block.program();
        const Buffer half = block.device().create({kImages, 4}, DType::bf16);
        halves.add(MaxPool{halves.bind(half), halves.bind(half)});
        CHECK(whole(halves));
        Program parts = block.program();
        parts.add(MaxPool{parts.rows(0, 0, 1), parts.rows(0, 1, 1)});
        CHECK_FALSE(is_inference(parts));
        CHECK(whole(parts));
        Program training = block.program();
        training.add(GlobalAveragePoolGradient{0, 1});
        CHECK_FALSE(is_inference(training));
        Program saving = block.program();
        saving.add(Addition{0, 1, 2, 1.0f, 1.0f, std::nullopt, 3});
        CHECK_FALSE(is_inference(saving));
        Program dropping = block.program();
        OutputQuantiser quantiser{{4, false}, 0, 7.0f, false, Dropping{0.5f, {}, 1}};
        dropping.add(FakeQuantise{0, 1, quantiser});
        CHECK_FALSE(is_inference(dropping));
    }
}
