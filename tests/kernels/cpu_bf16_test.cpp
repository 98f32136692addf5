// --math bf16 on the CPU: products of rounded operands, summed in float32. Held against the reference, which is given
// the operands rounded beforehand. Passes without a look on processors that do not multiply bf16.
#include <doctest/doctest.h>

#include <cmath>
#include <memory>

#include "engine/bf16.h"
#include "engine/error.h"
#include "support/devices.h"
#include "support/operations.h"

using namespace adaq;
using namespace adaq::test;

namespace {

/// Tensors of one device.
class Tensors {
  public:
    explicit Tensors(Device& device) : device_(device) {}
    Buffer put(const Shape& shape, const std::vector<float>& values) {
        Buffer buffer = device_.create(shape);
        device_.upload(*buffer, values);
        return buffer;
    }
    std::vector<float> get(const Buffer& buffer) {
        std::vector<float> values(static_cast<size_t>(element_count(buffer->shape())));
        device_.download(*buffer, values);
        return values;
    }

  private:
    Device& device_;
};

std::vector<float> rounded(std::vector<float> values) {
    for (float& x : values) x = to_float(to_bf16(x));
    return values;
}

struct Case {
    Shape x, w, y;
    int stride, padding;
};

const std::vector<Case>& cases() {
    static const std::vector<Case> list{{{2, 17, 15, 3}, {16, 7, 7, 3}, {2, 9, 8, 16}, 2, 3},
                                        {{8, 8, 8, 32}, {48, 3, 3, 32}, {8, 8, 8, 48}, 1, 1},
                                        {{3, 7, 7, 32}, {16, 1, 1, 32}, {3, 4, 4, 16}, 2, 0},
                                        {{2, 5, 6, 13}, {11, 3, 3, 13}, {2, 5, 6, 11}, 1, 1},
                                        // Taps that see nothing but padding.
                                        {{4, 1, 1, 24}, {48, 3, 3, 24}, {4, 1, 1, 48}, 2, 1},
                                        {{4, 1, 1, 13}, {11, 3, 3, 13}, {4, 1, 1, 11}, 1, 1},
                                        {{3, 1, 5, 24}, {48, 3, 3, 24}, {3, 1, 5, 48}, 1, 1}};
    return list;
}

/// y, dx and dw of a convolution; with `saved` as in training, else as in inference.
std::vector<std::vector<float>> convolve(Device& device, const Case& c, const std::vector<float>& x,
                                         const std::vector<float>& w, const std::vector<float>& dy, bool training) {
    Tensors tensors(device);
    const Buffer bx = tensors.put(c.x, x), bw = tensors.put(c.w, w), bdy = tensors.put(c.y, dy), y = device.create(c.y),
                 dx = device.create(c.x), dw = device.create(c.w);
    Program program;
    program.add(Convolution{program.bind(bx), program.bind(bw), program.bind(y),
                            ConvolutionWindow::square(c.stride, c.padding)});
    if (training) {
        program.add(ConvolutionToData{program.bind(bdy), program.bind(bw), program.bind(dx),
                                      ConvolutionWindow::square(c.stride, c.padding)});
        program.add(ConvolutionToWeights{program.bind(bx), program.bind(bdy), program.bind(dw),
                                         ConvolutionWindow::square(c.stride, c.padding)});
    }
    device.compile(program)->run();
    if (!training) return {tensors.get(y)};
    return {tensors.get(y), tensors.get(dx), tensors.get(dw)};
}

}  // namespace

TEST_SUITE("cpu bf16") {
    TEST_CASE("convolutions multiply what bf16 holds of their operands, in three directions") {
        const auto device = bf16_device(), reference = make_device("reference");
        if (!device) return;
        for (const Case& c : cases()) {
            CAPTURE(to_string(c.x));
            Values values(static_cast<uint64_t>(c.x[3]));
            const auto x = values.reals(element_count(c.x)), w = values.reals(element_count(c.w)),
                       dy = values.reals(element_count(c.y));
            const auto expected = convolve(*reference, c, rounded(x), rounded(w), rounded(dy), true),
                       exact = convolve(*reference, c, x, w, dy, true), found = convolve(*device, c, x, w, dy, true),
                       inferred = convolve(*device, c, x, w, dy, false);
            for (size_t i = 0; i < 3; ++i) {
                CAPTURE(i);
                CHECK(relative_error(found[i], expected[i]) < 1e-5);
                CHECK(relative_error(found[i], exact[i]) > 1e-4);  // it did round
            }
            CHECK(relative_error(inferred[0], expected[0]) < 1e-5);
        }
    }

    TEST_CASE("sums of integer codes stay exact") {
        const auto device = bf16_device(), reference = make_device("reference");
        if (!device) return;
        for (const Case& c : cases()) {
            Values values(7);
            const auto x = values.wholes(element_count(c.x), 0, 255), w = values.wholes(element_count(c.w), -128, 127),
                       dy = values.wholes(element_count(c.y), -8, 7);
            CHECK(convolve(*device, c, x, w, dy, false) == convolve(*reference, c, x, w, dy, false));
        }
    }

    TEST_CASE("the fully connected layer rounds its operands too, in three directions") {
        const auto device = bf16_device(), reference = make_device("reference");
        if (!device) return;
        Values values(3);
        const int64_t n = 9, features = 70, outputs = 33;
        const auto x = values.reals(n * features), w = values.reals(outputs * features), dy = values.reals(n * outputs);
        const auto run = [&](Device& on, const std::vector<float>& a, const std::vector<float>& b,
                             const std::vector<float>& g) {
            Tensors tensors(on);
            const Buffer bx = tensors.put({n, features}, a), bw = tensors.put({outputs, features}, b),
                         bdy = tensors.put({n, outputs}, g), y = on.create({n, outputs}), dx = on.create({n, features}),
                         dw = on.create({outputs, features});
            Program program;
            program.add(Linear{program.bind(bx), program.bind(bw), program.bind(y)});
            program.add(LinearToData{program.bind(bdy), program.bind(bw), program.bind(dx)});
            program.add(LinearToWeights{program.bind(bx), program.bind(bdy), program.bind(dw)});
            on.compile(program)->run();
            return std::vector<std::vector<float>>{tensors.get(y), tensors.get(dx), tensors.get(dw)};
        };
        const auto expected = run(*reference, rounded(x), rounded(w), rounded(dy)), found = run(*device, x, w, dy);
        for (size_t i = 0; i < 3; ++i) CHECK(relative_error(found[i], expected[i]) < 1e-5);
    }

    TEST_CASE("arithmetic that the CPU does not have is a wrong command line") {
        CHECK_THROWS_AS(make_device("cpu", 1, Math::tf32), UsageError);
    }
}
