// Tensors that devices store as bf16 because only products read them: which, and that results keep their bits. A
// tensor that is bound stays float32, so that the same program with bound tensors in place of temporaries is the judge.
// Passes without a look where the processor does not multiply bf16.
#include "engine/program/bf16_storage.h"

#include <doctest/doctest.h>

#include <functional>
#include <memory>

#include "engine/error.h"
#include "support/devices.h"
#include "support/operations.h"

using namespace adaq;
using namespace adaq::test;

namespace {

/// A program of two operations or more with one tensor between them, on any device.
class Pair {
  public:
    Pair(Device& device, const Shape& between, bool temporary)
        : device_(device), between_(temporary ? program.temporary(between) : program.bind(device.create(between))) {}

    TensorId between() const { return between_; }
    TensorId put(const Shape& shape, DType dtype = DType::f32) {
        const Buffer buffer = device_.create(shape, dtype);
        device_.upload(*buffer, values_.reals(element_count(shape)));
        return program.bind(buffer);
    }
    TensorId constant(const std::vector<float>& values) {
        const Buffer buffer = device_.create({static_cast<int64_t>(values.size())});
        device_.upload(*buffer, values);
        return program.bind(buffer);
    }
    TensorId out(const Shape& shape) {
        outputs_.push_back(device_.create(shape));
        return program.bind(outputs_.back());
    }
    OutputQuantiser quantiser() { return {{4, false}, constant({0.2f}), 7.0f}; }
    TensorId state() {
        std::vector<float> values(kIterationValues);
        values[kIteration] = 3.0f;
        return constant(values);
    }
    std::vector<float> run() {
        device_.compile(program)->run(2);
        std::vector<float> all;
        for (const Buffer& output : outputs_) {
            std::vector<float> values(static_cast<size_t>(element_count(output->shape())));
            device_.download(*output, values);
            all.insert(all.end(), values.begin(), values.end());
        }
        return all;
    }

    Program program;

  private:
    Device& device_;
    Values values_{11};
    TensorId between_;
    std::vector<Buffer> outputs_;
};

using Emit = std::function<void(Pair&, TensorId)>;
struct Named {
    const char* name;
    Shape shape;  // of the tensor between; empty: any
    Emit emit;
};

const Dropping dropping(TensorId state) { return {0.5f, {1, 2, 0, 3}, state}; }

/// Each writes [N,...] values of the shape that the reader takes.
const std::vector<Named>& writers() {
    static const std::vector<Named> list{
        {"gather",
         {},
         [](Pair& p, TensorId y) {
             Shape cache = p.program.shape(y);
             std::vector<float> rows(static_cast<size_t>(cache[0]));
             for (size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<float>((i * 5 + 3) % (rows.size() + 3));
             cache[0] += 3;
             p.program.add(Gather{p.put(cache), y, p.constant(rows)});
         }},
        {"gather from bf16, mixed",
         {},
         [](Pair& p, TensorId y) {
             const Shape shape = p.program.shape(y);
             Gather gather{p.put(shape, DType::bf16), y};
             gather.mixing = Mixing{p.put(shape), 0.5f, {1, 2, 0, 3}, p.state()};
             p.program.add(gather);
         }},
        {"squared error",
         {},
         [](Pair& p, TensorId dy) {
             const Shape shape = p.program.shape(dy);
             SquaredError error{p.put(shape), p.put(shape), dy, p.out({1})};
             error.exponent = 2.4;
             p.program.add(error);
         }},
        {"activation backward",
         {},
         [](Pair& p, TensorId dx) {
             const Shape shape = p.program.shape(dx);
             ActivationBackward back{p.put(shape), dx, p.put(shape), {}};
             back.activation = {p.put(shape), Activation::relu(), p.quantiser(), p.out({1})};
             p.program.add(back);
         }},
        {"add, ReLU and quantiser",
         {},
         [](Pair& p, TensorId y) {
             const Shape shape = p.program.shape(y);
             Addition add{p.put(shape), p.put(shape), y, 1.0f, 0.5f, p.quantiser()};
             p.program.add(add);
         }},
        {"add and ReLU, value saved",
         {},
         [](Pair& p, TensorId y) {
             const Shape shape = p.program.shape(y);
             Addition add{p.put(shape), p.put(shape), y, 1.0f, 0.5f, p.quantiser(), p.out(shape)};
             p.program.add(add);
         }},
        {"fake quantisation",
         {},
         [](Pair& p, TensorId y) {
             p.program.add(FakeQuantise{p.put(p.program.shape(y)), y, p.quantiser()});
         }},
        {"fake quantisation, dropping", {}, [](Pair& p, TensorId y) {
             FakeQuantise quantise{p.put(p.program.shape(y)), y, p.quantiser()};
             quantise.quantiser.dropping = dropping(p.state());
             p.program.add(quantise);
         }}};
    return list;
}

/// Convolutions as writers, of 4-dimensional tensors.
const std::vector<Named>& convolution_writers() {
    static const auto convolution = [](Pair& p, TensorId y, int64_t channels) {
        Shape x = p.program.shape(y);
        const int64_t outputs = x[3];
        x[3] = channels;
        Convolution op{p.put(x), p.put({outputs, 3, 3, channels}), y, ConvolutionWindow::square(1, 1)};
        op.epilogue.shift = p.put({outputs});
        op.epilogue.activation = Activation::relu();
        return op;
    };
    static const std::vector<Named> list{
        {"convolution", {}, [](Pair& p, TensorId y) { p.program.add(convolution(p, y, 24)); }},
        {"convolution, residual apart",
         {},
         [](Pair& p, TensorId y) {
             Convolution op = convolution(p, y, 24);
             op.epilogue.residual = p.put(p.program.shape(y));
             p.program.add(op);
         }},
        {"convolution, codes",
         {},
         [](Pair& p, TensorId y) {
             Convolution op = convolution(p, y, 64);
             op.epilogue.quantiser = p.quantiser();
             op.epilogue.quantiser->codes = true;
             p.program.add(op);
         }},
        {"convolution, value saved and dropped",
         {},
         [](Pair& p, TensorId y) {
             Convolution op = convolution(p, y, 64);
             op.epilogue.quantiser = p.quantiser();
             op.epilogue.quantiser->dropping = dropping(p.state());
             op.epilogue.saved = p.out(p.program.shape(y));
             p.program.add(op);
         }},
        {"convolution to data",
         {},
         [](Pair& p, TensorId dx) {
             Shape dy = p.program.shape(dx);
             const int64_t channels = dy[3];
             dy[3] = 64;
             ConvolutionToData op{p.put(dy), p.put({64, 3, 3, channels}), dx, ConvolutionWindow::square(1, 1),
                                  p.put(p.program.shape(dx))};
             op.activation = ActivationGradient{p.put(p.program.shape(dx)), Activation::relu(), std::nullopt};
             p.program.add(op);
         }},
        {"convolution to data, nothing behind", {}, [](Pair& p, TensorId dx) {
             Shape dy = p.program.shape(dx);
             const int64_t channels = dy[3];
             dy[3] = 24;
             p.program.add(
                 ConvolutionToData{p.put(dy), p.put({24, 3, 3, channels}), dx, ConvolutionWindow::square(1, 1)});
         }}};
    return list;
}

/// Each reads a tensor of its shape: through oneDNN in NHWC and in another layout (3 channels), tap by tap (64 channels
/// on 2x2), and by loops.
const std::vector<Named>& readers() {
    static const auto conv = [](const char* name, const Shape& x, const Shape& w, int stride, int padding) {
        return Named{
            name, x, [=](Pair& p, TensorId tensor) {
                const auto extent = [&](int64_t in) { return (in + 2 * padding - w[1]) / stride + 1; };
                const Shape y{x[0], extent(x[1]), extent(x[2]), w[0]};
                p.program.add(Convolution{tensor, p.put(w), p.out(y), ConvolutionWindow::square(stride, padding)});
                p.program.add(
                    ConvolutionToWeights{tensor, p.put(y), p.out(w), ConvolutionWindow::square(stride, padding)});
            }};
    };
    static const auto gradient = [](const char* name, const Shape& dy, int64_t channels, int64_t kernel, int stride) {
        return Named{
            name, dy, [=](Pair& p, TensorId tensor) {
                const Shape x{dy[0], dy[1] * stride, dy[2] * stride, channels}, w{dy[3], kernel, kernel, channels};
                const int padding = static_cast<int>(kernel / 2);
                p.program.add(
                    ConvolutionToData{tensor, p.put(w), p.out(x), ConvolutionWindow::square(stride, padding)});
                p.program.add(
                    ConvolutionToWeights{p.put(x), tensor, p.out(w), ConvolutionWindow::square(stride, padding)});
            }};
    };
    static const std::vector<Named> list{
        conv("convolution", {3, 9, 7, 16}, {32, 3, 3, 16}, 1, 1),
        conv("convolution, 3 channels", {3, 17, 16, 3}, {16, 7, 7, 3}, 2, 3),
        conv("convolution, 1x1 strided, 13 channels", {5, 9, 9, 13}, {32, 1, 1, 13}, 2, 0),
        conv("convolution on a small map", {3, 2, 2, 64}, {64, 3, 3, 64}, 1, 1),
        gradient("gradients", {3, 9, 7, 16}, 32, 3, 1),
        gradient("gradients, strided", {3, 5, 5, 32}, 16, 1, 2),
        gradient("gradients on a small map", {3, 2, 2, 64}, 64, 3, 1),
        {"linear",
         {5, 2100},
         [](Pair& p, TensorId x) {
             p.program.add(Linear{x, p.put({7, 2100}), p.out({5, 7})});
             p.program.add(LinearToWeights{x, p.put({5, 7}), p.out({7, 2100})});
         }},
        {"gradients of linear", {5, 33}, [](Pair& p, TensorId dy) {
             p.program.add(LinearToData{dy, p.put({33, 20}), p.out({5, 20})});
             p.program.add(LinearToWeights{p.put({5, 20}), dy, p.out({33, 20})});
         }}};
    return list;
}

/// Whether what lies between writer and reader would be.
bool stored_as_bf16(const Pair& pair, Math math) {
    Program program = pair.program;
    store_as_bf16(program, math);
    return program.is_bf16(pair.between());
}

void compare(Device& device, Device& reference, const Named& writer, const Named& reader) {
    CAPTURE(writer.name);
    CAPTURE(reader.name);
    const auto run = [&](Device& on, bool temporary) {
        Pair pair(on, reader.shape, temporary);
        writer.emit(pair, pair.between());
        reader.emit(pair, pair.between());
        if (&on == &device) CHECK(stored_as_bf16(pair, Math::bf16) == temporary);
        return pair.run();
    };
    const std::vector<float> found = run(device, true);
    CHECK(found == run(device, false));
    CHECK(relative_error(found, run(reference, false)) < 8e-3);
}

}  // namespace

TEST_SUITE("bf16 storage") {
    TEST_CASE("whoever writes it and whoever multiplies it, the bits are those of float32 storage") {
        const auto reference = make_device("reference");
        const auto devices = bf16_devices();
        for (const auto& device : devices) {
            for (const Named& reader : readers()) {
                for (const Named& writer : writers()) compare(*device, *reference, writer, reader);
                if (reader.shape.size() != 4) continue;
                for (const Named& writer : convolution_writers()) compare(*device, *reference, writer, reader);
            }
        }
    }

    TEST_CASE("inference in lanes and phases keeps the bits") {
        const auto run = [](Device& device, bool temporary, bool codes) {
            const Shape small{37, 5, 5, 48};
            Pair pair(device, small, temporary);
            const TensorId wide = pair.out({37, 5, 5, 24});
            Convolution first{pair.put({37, 20, 20, 3}), pair.put({48, 7, 7, 3}), pair.between(),
                              ConvolutionWindow::square(4, 2)};
            first.epilogue.activation = Activation::relu();
            if (codes) first.epilogue.quantiser = pair.quantiser();
            pair.program.add(first);
            pair.program.add(
                Convolution{pair.between(), pair.put({24, 3, 3, 48}), wide, ConvolutionWindow::square(1, 1)});
            pair.program.add(GlobalAveragePool{wide, pair.out({37, 24})});
            CHECK(stored_as_bf16(pair, Math::bf16) == temporary);
            return pair.run();
        };
        const auto devices = bf16_devices();
        for (const auto& device : devices)
            for (bool codes : {false, true}) CHECK(run(*device, true, codes) == run(*device, false, codes));
    }

    TEST_CASE("what others than products read stays float32, and so does all where products do not round") {
        const auto device = make_device("reference");
        const Shape shape{2, 4, 4, 8}, weight{8, 1, 1, 8};
        const auto stored = [&](Math math, const Emit& also) {
            Pair pair(*device, shape, true);
            pair.program.add(Gather{pair.put(shape), pair.between()});
            pair.program.add(Convolution{pair.between(), pair.put(weight), pair.out(shape)});
            also(pair, pair.between());
            return stored_as_bf16(pair, math);
        };
        const Emit nothing = [](Pair&, TensorId) {};
        CHECK(stored(Math::bf16, nothing));
        CHECK_FALSE(stored(Math::f32, nothing));
        CHECK_FALSE(stored(Math::bf16, [&](Pair& p, TensorId x) { p.program.add(MaxPool{x, p.out({2, 2, 2, 8})}); }));
        CHECK_FALSE(stored(Math::bf16, [&](Pair& p, TensorId x) {
            Convolution op{p.put(shape), p.put(weight), p.out(shape)};
            op.epilogue.residual = x;
            p.program.add(op);
        }));
        CHECK_FALSE(stored(Math::bf16, [&](Pair& p, TensorId x) {
            p.program.add(Convolution{p.program.rows(x, 0, 1), p.put(weight), p.out({1, 4, 4, 8})});
        }));
        CHECK_FALSE(stored(Math::bf16, [&](Pair& p, TensorId x) { p.program.add(Gather{x, p.out(shape)}); }));
    }

    TEST_CASE("products read a tensor that is bound as bf16, other operations refuse it") {
        const Shape shape{4, 6, 6, 16}, weight{16, 3, 3, 16};
        const auto devices = bf16_devices();
        for (const auto& device : devices) {
            const auto run = [&](DType dtype) {
                Pair pair(*device, {1}, true);
                const TensorId x = pair.put(shape, dtype);
                pair.program.add(Convolution{x, pair.put(weight), pair.out(shape), ConvolutionWindow::square(1, 1)});
                return pair.run();
            };
            CHECK(run(DType::bf16) == run(DType::f32));
            Pair pooled(*device, {1}, true);
            pooled.program.add(MaxPool{pooled.put(shape, DType::bf16), pooled.out({4, 3, 3, 16})});
            CHECK_THROWS_AS(pooled.run(), std::logic_error);
        }
    }
}
