// Programs of inference cut into pieces of some images each: the same values in less memory, on every device.
#include "kernels/inference.h"

#include <doctest/doctest.h>

#include "kernels/arena.h"
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
        Convolution op{pooled, constant("w1", {16, 3, 3, 8}), first, 1, 1, {}};
        op.epilogue.shift = constant("shift", {16});
        op.epilogue.relu = true;
        op.epilogue.quantiser = quantiser("first scale", 0.5f, true);
        add(op);
        Convolution next{first, constant("w2", {16, 3, 3, 16}), second, 1, 1, {}};
        next.epilogue.scale = constant("factor", {16});
        next.epilogue.residual = first;
        next.epilogue.residual_scale = 0.5f;
        add(next);
        add(AddRelu{second, first, sum, 1.0f, 0.5f, quantiser("sum scale", 0.4f, false)});
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
                block.program() = in_pieces(block.program(), most);
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
        CHECK(in_pieces(block.program(), temporary_bytes(block.program())).operations().size() == operations);
        CHECK(in_pieces(block.program(), 1).operations().size() == operations * kImages);
    }

    TEST_CASE("programs that are not of inference, or not of one batch, stay whole") {
        Block block("reference");
        const auto whole = [](const Program& program) {
            return in_pieces(program, 1).operations().size() == program.operations().size();
        };
        CHECK(is_inference(block.program()));
        CHECK_FALSE(whole(block.program()));
        Program other = block.program();
        other.add(FakeQuantise{other.temporary({3, 4}), other.temporary({3, 4}), {{4, false}, 0, 7.0f}});
        CHECK(whole(other));
        Program halves = block.program();
        const Buffer half = block.device().create({kImages, 4}, Dtype::bf16);
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
        saving.add(AddRelu{0, 1, 2, 1.0f, 1.0f, std::nullopt, 3});
        CHECK_FALSE(is_inference(saving));
        Program dropping = block.program();
        OutputQuantiser quantiser{{4, false}, 0, 7.0f, false, Dropping{}};
        dropping.add(FakeQuantise{0, 1, quantiser});
        CHECK_FALSE(is_inference(dropping));
    }
}
