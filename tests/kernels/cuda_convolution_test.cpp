// The CUDA device's products (kernels/cuda/convolution) beyond what the suites for every device ask: each tile, split
// and unsplit sums, each kind of arithmetic, every channel, filter and stride combination of ResNet18 and -50. Held
// against the reference, within a share of what a sum adds up in magnitude.
#if defined(ADAQ_HAS_CUDA)
#include <doctest/doctest.h>

#include <cmath>
#include <set>
#include <tuple>

#include "engine/error.h"
#include "kernels/cuda/device.h"
#include "support/devices.h"
#include "support/operations.h"
#include "support/product_tolerance.h"

using namespace adaq;
using namespace adaq::test;

namespace {

using cuda::Choice;
using cuda::TileSize;

struct Layer {
    int64_t n, h, w, c, k, r;
    int stride, padding;

    Shape x() const { return {n, h, w, c}; }
    Shape filter() const { return {k, r, r, c}; }
    Shape y() const { return {n, extent(h), extent(w), k}; }
    int64_t extent(int64_t in) const { return (in + int64_t{2} * padding - r) / stride + 1; }
    /// Of a sum: forward, to data, to weights, as many as there can be.
    int64_t products(size_t direction) const {
        const int64_t pixels = n * extent(h) * extent(w);
        return direction == 0 ? r * r * c : direction == 1 ? r * r * k : pixels;
    }
};

/// What a layer makes of its inputs in three directions.
using Results = std::vector<std::vector<float>>;  // y, dx, dw

Results run(Device& device, const Layer& layer, const Results& inputs, bool forward_alone = false) {
    const auto put = [&](const Shape& shape, const std::vector<float>& values) {
        Buffer buffer = device.create(shape);
        device.upload(*buffer, values);
        return buffer;
    };
    Program program;
    const TensorId x = program.bind(put(layer.x(), inputs[0])), w = program.bind(put(layer.filter(), inputs[1])),
                   dy = program.bind(put(layer.y(), inputs[2]));
    std::vector<Buffer> outputs{device.create(layer.y())};
    program.add(Convolution{x, w, program.bind(outputs[0]), ConvolutionWindow::square(layer.stride, layer.padding)});
    if (!forward_alone) {
        outputs.push_back(device.create(layer.x()));
        outputs.push_back(device.create(layer.filter()));
        program.add(
            ConvolutionToData{dy, w, program.bind(outputs[1]), ConvolutionWindow::square(layer.stride, layer.padding)});
        program.add(ConvolutionToWeights{x, dy, program.bind(outputs[2]),
                                         ConvolutionWindow::square(layer.stride, layer.padding)});
    }
    device.compile(program)->run();
    Results results;
    for (const Buffer& output : outputs) {
        results.emplace_back(static_cast<size_t>(element_count(output->shape())));
        device.download(*output, results.back());
    }
    return results;
}

Results random_inputs(const Layer& layer) {
    Values values(static_cast<uint64_t>(layer.c * 7 + layer.k));
    return {values.reals(element_count(layer.x())), values.reals(element_count(layer.filter())),
            values.reals(element_count(layer.y()))};
}

Results rounded(Results inputs, Math math) {
    for (auto& values : inputs) values = test::rounded(std::move(values), math);
    return inputs;
}

Results magnitudes(Results inputs) {
    for (auto& values : inputs) {
        for (float& v : values) v = std::fabs(v);
    }
    return inputs;
}

/// Largest error as a share of the magnitude that its sum accumulates.
double worst(const std::vector<float>& found, const std::vector<float>& expected, const std::vector<float>& magnitude) {
    double result = 0.0;
    for (size_t i = 0; i < expected.size(); ++i) {
        const double error = std::fabs(static_cast<double>(found[i]) - static_cast<double>(expected[i]));
        const double share = error == 0.0 ? 0.0 : error / static_cast<double>(magnitude[i]);
        result = std::isnan(share) ? INFINITY : std::max(result, share);
    }
    return result;
}

const char* const kDirections[] = {"forward", "to data", "to weights"};

void compare(Device& device, Math math, const Layer& layer) {
    const auto reference = make_device("reference");
    const Results inputs = random_inputs(layer), expected = run(*reference, layer, rounded(inputs, math)),
                  magnitude = run(*reference, layer, magnitudes(inputs)), found = run(device, layer, inputs);
    for (size_t direction = 0; direction < 3; ++direction) {
        CAPTURE(kDirections[direction]);
        CHECK(worst(found[direction], expected[direction], magnitude[direction]) <
              sum_tolerance(math, layer.products(direction)));
    }
}

/// Null on a card without them.
std::unique_ptr<Device> with_warpgroups(std::optional<Choice> choice) {
    try {
        return cuda::make_cuda_device(Math::tf32, choice, true);
    } catch (const UsageError&) {
        return nullptr;
    }
}

/// Products by warpgroups.
void compare_forward(Device& device, const Layer& layer) {
    const auto reference = make_device("reference");
    const Results inputs = random_inputs(layer);
    CHECK(worst(run(device, layer, inputs, true)[0], run(*reference, layer, rounded(inputs, Math::tf32), true)[0],
                run(*reference, layer, magnitudes(inputs), true)[0]) < sum_tolerance(Math::tf32, layer.products(0)));
}

/// Every (C, K, window, stride) of ResNet18 and -50, once, on a small map.
std::vector<Layer> resnet_layers() {
    std::set<std::tuple<int64_t, int64_t, int64_t, int>> seen;
    std::vector<Layer> layers;
    const auto add = [&](int64_t c, int64_t k, int64_t r, int stride) {
        if (!seen.insert({c, k, r, stride}).second) return;
        // Few pixels where there are many channels: the reference's and the emulator's time is in the products.
        const int64_t filters = c * k, side = c == 3 ? 14 : filters >= 262144 ? 2 : filters >= 16384 ? 4 : 7;
        layers.push_back({1, side, side + 1, c, k, r, stride, static_cast<int>(r / 2)});
    };
    add(3, 64, 7, 2);
    for (int64_t stage = 0; stage < 4; ++stage) {
        const int64_t width = 64 << stage, before = stage == 0 ? 64 : width / 2;
        const int stride = stage == 0 ? 1 : 2;
        add(before, width, 3, stride);  // ResNet18: two 3x3 a block
        add(width, width, 3, 1);
        if (stage > 0) add(before, width, 1, 2);
        const int64_t wide = 4 * width, wide_before = stage == 0 ? 64 : wide / 2;  // ResNet50: 1x1, 3x3, 1x1
        add(wide_before, width, 1, 1);
        add(wide, width, 1, 1);
        add(width, width, 3, stride);
        add(width, wide, 1, 1);
        add(wide_before, wide, 1, stride);
    }
    return layers;
}

/// Each layer in every arithmetic or in one.
void compare_resnet_layers(bool every_arithmetic) {
    if (!under_test("cuda")) return;
    const auto layers = resnet_layers();
    for (Math math : {Math::f32, Math::tf32, Math::bf16}) {
        const auto device = cuda::make_cuda_device(math);
        for (size_t i = 0; i < layers.size(); ++i) {
            if (!every_arithmetic && i % 3 != static_cast<size_t>(math)) continue;
            const Layer& layer = layers[i];
            CAPTURE(static_cast<int>(math));
            CAPTURE(layer.c);
            CAPTURE(layer.k);
            CAPTURE(layer.r);
            CAPTURE(layer.stride);
            compare(*device, math, layer);
        }
    }
}

}  // namespace

TEST_SUITE("cuda convolutions") {
    TEST_CASE("every tile, its sum in one piece and split, in every arithmetic and direction") {
        if (!under_test("cuda")) return;
        const std::vector<Layer> layers{
            {2, 9, 9, 40, 136, 3, 1, 1}, {1, 8, 7, 132, 72, 3, 2, 1}, {3, 5, 5, 64, 8, 1, 2, 0}};
        for (Math math : {Math::f32, Math::tf32, Math::bf16}) {
            for (TileSize tile : {TileSize::large, TileSize::tall, TileSize::small}) {
                for (int splits : {1, 3}) {
                    const auto device = cuda::make_cuda_device(math, Choice{tile, splits});
                    for (const Layer& layer : layers) {
                        CAPTURE(static_cast<int>(math));
                        CAPTURE(static_cast<int>(tile));
                        CAPTURE(splits);
                        CAPTURE(layer.c);
                        compare(*device, math, layer);
                    }
                }
            }
        }
    }

    TEST_CASE("operands that cannot be copied 16 bytes at a time, and extents that no tile divides") {
        if (!under_test("cuda")) return;
        for (Math math : {Math::f32, Math::tf32, Math::bf16}) {
            for (int splits : {1, 2}) {
                const auto device = cuda::make_cuda_device(math, Choice{TileSize::small, splits});
                for (const Layer& layer : {Layer{1, 15, 17, 3, 64, 7, 2, 3},
                                           {1, 6, 5, 13, 11, 3, 1, 1},
                                           {1, 1, 1, 1, 1, 1, 1, 0},
                                           {2, 7, 4, 5, 70, 3, 3, 1},
                                           {1, 3, 3, 6, 4, 2, 4, 0}}) {
                    CAPTURE(static_cast<int>(math));
                    CAPTURE(splits);
                    CAPTURE(layer.c);
                    compare(*device, math, layer);
                }
            }
        }
    }

    TEST_CASE("every channel, filter and stride combination of ResNet18 and ResNet50") {
        compare_resnet_layers(!kEmulated);
    }

    // A minute and a half of emulation.
    TEST_CASE("every channel, filter and stride combination of ResNet18 and ResNet50 in every arithmetic" *
              doctest::skip()) {
        compare_resnet_layers(true);
    }

    TEST_CASE("an infinity reaches the sums that it belongs to and no others") {
        if (!under_test("cuda")) return;
        const auto reference = make_device("reference");
        const Layer layer{2, 6, 7, 40, 24, 3, 1, 1};  // 360 taps: no stage divides them
        Results inputs = random_inputs(layer);
        inputs[0][(3 * 7 + 4) * 40 + 5] = inputs[0].back() = INFINITY;
        inputs[2][(2 * 7 + 3) * 24 + 1] = -INFINITY;
        const Results expected = run(*reference, layer, inputs);
        for (Math math : {Math::f32, Math::tf32, Math::bf16}) {
            const Results found = run(*cuda::make_cuda_device(math), layer, inputs);
            for (size_t direction = 0; direction < 2; ++direction) {  // to weights both operands are infinite
                CAPTURE(kDirections[direction]);
                CAPTURE(static_cast<int>(math));
                int wrong = 0;
                for (size_t i = 0; i < expected[direction].size(); ++i)
                    wrong += std::isfinite(found[direction][i]) != std::isfinite(expected[direction][i]) ? 1 : 0;
                CHECK(wrong == 0);
            }
        }
    }

    TEST_CASE("a tensor bound as bf16 is read by products that copy 16 bytes at a time, and refused by others") {
        if (!under_test("cuda")) return;
        const auto device = cuda::make_cuda_device(Math::bf16);
        const auto with_channels = [&](int64_t channels) {
            const Layer layer{1, 4, 5, channels, 16, 3, 1, 1};
            Program program;
            const TensorId x = program.bind(device->create(layer.x(), DType::bf16)),
                           w = program.bind(device->create(layer.filter())),
                           y = program.bind(device->create(layer.y()));
            program.add(Convolution{x, w, y, ConvolutionWindow::square(layer.stride, layer.padding)});
            device->compile(program);
        };
        CHECK_NOTHROW(with_channels(16));
        CHECK_THROWS_AS(with_channels(12), std::logic_error);
    }

    TEST_CASE("products of integer codes are exact in every arithmetic") {
        if (!under_test("cuda")) return;
        const auto reference = make_device("reference");
        const Layer layer{2, 6, 6, 64, 32, 3, 1, 1};
        Values values(11);
        const Results inputs{values.wholes(element_count(layer.x()), 0, 255),
                             values.wholes(element_count(layer.filter()), -128, 127),
                             values.wholes(element_count(layer.y()), -8, 7)};
        const Results expected = run(*reference, layer, inputs);
        for (Math math : {Math::f32, Math::tf32, Math::bf16})
            CHECK(run(*cuda::make_cuda_device(math), layer, inputs)[0] == expected[0]);
        if (const auto device = with_warpgroups(std::nullopt)) CHECK(run(*device, layer, inputs)[0] == expected[0]);
    }

    TEST_CASE("products by warpgroups in every tile, their sums in one piece and split, where a card has them") {
        if (!under_test("cuda")) return;
        const std::vector<Layer> layers{{2, 9, 9, 40, 136, 3, 1, 1}, {1, 8, 7, 132, 72, 3, 2, 1},
                                        {3, 5, 5, 64, 8, 1, 2, 0},   {2, 1, 1, 200, 12, 1, 1, 0},
                                        {1, 15, 17, 3, 64, 7, 2, 3}, {1, 3, 4, 4, 4, 1, 1, 0}};
        for (TileSize tile : {TileSize::large, TileSize::tall, TileSize::small}) {
            for (int splits : {1, 3}) {
                const auto device = with_warpgroups(Choice{tile, splits});
                if (!device) return;
                for (const Layer& layer : layers) {
                    CAPTURE(static_cast<int>(tile));
                    CAPTURE(splits);
                    CAPTURE(layer.c);
                    compare_forward(*device, layer);
                }
            }
        }
    }

    TEST_CASE("products by warpgroups at every channel, filter and stride combination, with an epilogue") {
        if (!under_test("cuda")) return;
        const auto device = with_warpgroups(std::nullopt);
        if (!device) return;
        for (const Layer& layer : resnet_layers()) {
            CAPTURE(layer.c);
            CAPTURE(layer.k);
            CAPTURE(layer.r);
            CAPTURE(layer.stride);
            compare_forward(*device, layer);
        }
        const Layer layer{1, 4, 4, 64, 128, 3, 1, 1};
        Values values(8);
        const Results inputs = random_inputs(layer);
        const std::vector<float> shift = values.reals(layer.k), residual = values.reals(element_count(layer.y()));
        const auto with_epilogue = [&](Device& on, const Results& operands) {
            const auto put = [&](const Shape& shape, const std::vector<float>& of) {
                Buffer buffer = on.create(shape);
                on.upload(*buffer, of);
                return buffer;
            };
            Program program;
            const Buffer y = on.create(layer.y());
            Convolution op{program.bind(put(layer.x(), operands[0])), program.bind(put(layer.filter(), operands[1])),
                           program.bind(y), ConvolutionWindow::square(layer.stride, layer.padding)};
            op.epilogue.shift = program.bind(put({layer.k}, shift));
            op.epilogue.residual = program.bind(put(layer.y(), residual));
            op.epilogue.activation = Activation::relu();
            program.add(op);
            on.compile(program)->run();
            std::vector<float> result(static_cast<size_t>(element_count(layer.y())));
            on.download(*y, result);
            return result;
        };
        const auto reference = make_device("reference");
        CHECK(worst(with_epilogue(*device, inputs), with_epilogue(*reference, rounded(inputs, Math::tf32)),
                    run(*reference, layer, magnitudes(inputs), true)[0]) <
              sum_tolerance(Math::tf32, layer.products(0)));
    }

    TEST_CASE("the fully connected layer sums in an order that the batch has no part in") {
        if (!under_test("cuda")) return;
        for (Math math : {Math::f32, Math::tf32, Math::bf16}) {
            const auto device = cuda::make_cuda_device(math);
            Values values(5);
            const int64_t inputs = 1030, outputs = 70;
            const auto x = values.reals(90 * inputs), w = values.reals(outputs * inputs);
            const auto rows = [&](int64_t n) {
                const Buffer bx = device->create({n, inputs}), bw = device->create({outputs, inputs}),
                             y = device->create({n, outputs});
                device->upload(*bx, std::span(x).first(static_cast<size_t>(n * inputs)));
                device->upload(*bw, w);
                Program program;
                program.add(Linear{program.bind(bx), program.bind(bw), program.bind(y)});
                device->compile(program)->run();
                std::vector<float> result(static_cast<size_t>(n * outputs));
                device->download(*y, result);
                result.resize(static_cast<size_t>(outputs));
                return result;
            };
            CHECK(rows(1) == rows(90));
        }
    }
}
#endif
