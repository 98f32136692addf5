// 3x3 convolutions by Winograd's way: as close to the reference as their rounding allows, and never taken for codes.
#include "kernels/cpu/winograd.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "engine/bf16.h"
#include "support/devices.h"
#include "support/operations.h"

using namespace adaq;
using namespace adaq::test;

namespace {

struct WinogradCase {
    int64_t batch, h, w, c, k;
    bool scale, residual, in_place, relu;
    int threads;
};

/// x -> 1x1 convolution -> 3x3 convolution: what the first writes is known to be values. In the second's place there
/// may be a residual of its own, bound or (in_place) another 1x1 convolution's output that nobody reads again.
std::vector<float> run_case(const std::string& device, const WinogradCase& c) {
    Bench bench(device, c.threads);
    Values random(11);
    Program program;
    const auto bind = [&](const Shape& shape) {
        return program.bind(bench.put(shape, random.reals(element_count(shape))));
    };
    const Shape map{c.batch, c.h, c.w, c.k};
    const TensorId image = bind({c.batch, c.h, c.w, 8}), x = program.temporary({c.batch, c.h, c.w, c.c});
    program.add(Convolution{image, bind({c.c, 1, 1, 8}), x, ConvolutionWindow::square(1, 0)});
    Buffer output = bench.device().create(map);
    // Summing in place needs a temporary output, so that one more operation reads it.
    const TensorId y = c.in_place ? program.temporary(map) : program.bind(output);
    Convolution op{x, bind({c.k, 3, 3, c.c}), y, ConvolutionWindow::square(1, 1)};
    if (c.scale) op.epilogue.scale = bind({c.k});
    op.epilogue.shift = bind({c.k});
    op.epilogue.activation = c.relu ? Activation::relu() : Activation::none();
    if (c.in_place) {
        op.epilogue.residual = program.temporary(map);
        program.add(Convolution{image, bind({c.k, 1, 1, 8}), op.epilogue.residual, ConvolutionWindow::square(1, 0)});
    } else if (c.residual) {
        op.epilogue.residual = bind(map);
        op.epilogue.residual_scale = 0.75f;
    }
    program.add(op);
    if (c.in_place) program.add(MaxPool{y, program.bind(output), PoolingWindow::square(1, 1, 0)});
    const auto compiled = bench.device().compile(program);
    compiled->run(2);
    return bench.get(output);
}

/// Largest difference in units of the reference's root mean square.
double distance(const std::vector<float>& a, const std::vector<float>& reference) {
    double largest = 0.0, squares = 0.0;
    for (size_t i = 0; i < a.size(); ++i) {
        largest = std::max(largest, std::abs(static_cast<double>(a[i]) - reference[i]));
        squares += static_cast<double>(reference[i]) * reference[i];
    }
    return largest / std::sqrt(squares / static_cast<double>(a.size()));
}

/// The root of the mean square of the difference, in the same unit.
double mean_distance(const std::vector<float>& a, const std::vector<float>& reference) {
    double errors = 0.0, squares = 0.0;
    for (size_t i = 0; i < a.size(); ++i) {
        const double difference = static_cast<double>(a[i]) - reference[i];
        errors += difference * difference;
        squares += static_cast<double>(reference[i]) * reference[i];
    }
    return std::sqrt(errors / squares);
}

/// dy -> gradient to data -> gradient to the data of what came before it, ReLU and addend on the way: run, and run
/// again behind an upload of the first one's weights.
std::vector<float> run_gradient(const std::string& device, const WinogradCase& c) {
    Bench bench(device, c.threads);
    Values random(12);
    const auto put = [&](const Shape& shape) { return bench.put(shape, random.reals(element_count(shape))); };
    Program program;
    const Buffer w = put({c.k, 3, 3, c.c}), dx = bench.device().create({c.batch, c.h, c.w, c.c});
    ConvolutionToData op{program.bind(put({c.batch, c.h, c.w, c.k})), program.bind(w), program.bind(dx),
                         ConvolutionWindow::square(1, 1)};
    if (c.residual) op.addend = program.bind(put({c.batch, c.h, c.w, c.c}));
    if (c.relu) {
        op.activation.emplace();
        op.activation->activation = Activation::relu();
        op.activation->value = program.bind(put({c.batch, c.h, c.w, c.c}));
    }
    program.add(op);
    const auto compiled = bench.device().compile(program);
    compiled->run(2);
    std::vector<float> all = bench.get(dx);
    bench.device().upload(*w, random.reals(element_count(w->shape())));
    compiled->run();
    for (float value : bench.get(dx)) all.push_back(value);
    return all;
}

/// The gradient to weights, from x and dy that are uploaded anew between two runs. rounded: to bf16 beforehand;
/// gathered: by way of temporaries, which may be stored as bf16.
std::vector<float> run_to_weights(Device& device, const WinogradCase& c, bool rounded = false, bool gathered = false) {
    Values random(13);
    Program program;
    const Shape x_shape{c.batch, c.h, c.w, c.c}, dy_shape{c.batch, c.h, c.w, c.k};
    const Buffer x = device.create(x_shape), dy = device.create(dy_shape), dw = device.create({c.k, 3, 3, c.c});
    const auto operand = [&](const Buffer& values) {
        const TensorId bound = program.bind(values);
        if (!gathered) return bound;
        const TensorId temporary = program.temporary(values->shape());
        program.add(Gather{bound, temporary});
        return temporary;
    };
    const TensorId x_read = operand(x), dy_read = operand(dy);
    program.add(ConvolutionToWeights{x_read, dy_read, program.bind(dw), ConvolutionWindow::square(1, 1)});
    const auto compiled = device.compile(program);
    std::vector<float> all;
    for (int run = 0; run < 2; ++run) {
        for (const Buffer& buffer : {x, dy}) {
            std::vector<float> values = random.reals(element_count(buffer->shape()));
            for (float& value : values) value = rounded ? to_float(to_bf16(value)) : value;
            device.upload(*buffer, values);
        }
        compiled->run();
        std::vector<float> found(static_cast<size_t>(element_count(dw->shape())));
        device.download(*dw, found);
        all.insert(all.end(), found.begin(), found.end());
    }
    return all;
}

bool to_weights_taken(Shape x, Shape w, int stride, int padding) {
    Program program;
    const auto tensor = [&](const Shape& shape) { return program.bind(std::make_shared<DeviceTensor>(shape)); };
    const int64_t edge = (x[1] + 2 * padding - w[1]) / stride + 1;
    const ConvolutionToWeights op{tensor(x), tensor({x[0], edge, edge, w[0]}), tensor(w),
                                  ConvolutionWindow::square(stride, padding)};
    return cpu::compile_winograd(program, op, {x[0], 1, 1}) != nullptr;
}

/// The same convolution's gradient to data, of weights that change in every run or stay.
bool gradient_taken(Shape x, Shape w, int stride, int padding, bool weights_change, Math math = Math::f32) {
    Program program;
    const auto tensor = [&](const Shape& shape) { return program.bind(std::make_shared<DeviceTensor>(shape)); };
    const int64_t edge = (x[1] + 2 * padding - w[1]) / stride + 1;
    const ConvolutionToData op{tensor({x[0], edge, edge, w[0]}), tensor(w), tensor(x),
                               ConvolutionWindow::square(stride, padding)};
    cpu::OperationSetting setting{x[0], 1, 1};
    setting.weights_change = weights_change;
    setting.math = math;
    return cpu::compile_winograd(program, op, setting) != nullptr;
}

bool taken(Shape x, Shape w, int stride, int padding, bool of_values) {
    Program program;
    const auto tensor = [&](const Shape& shape) { return program.bind(std::make_shared<DeviceTensor>(shape)); };
    const int64_t edge = (x[1] + 2 * padding - w[1]) / stride + 1;
    const Convolution op{tensor(x), tensor(w), tensor({x[0], edge, edge, w[0]}),
                         ConvolutionWindow::square(stride, padding)};
    return cpu::compile_winograd(program, op, {x[0], 1, 1, false, of_values}) != nullptr;
}

}  // namespace

TEST_SUITE("Winograd convolution") {
    TEST_CASE("agrees with the reference at every epilogue, whatever is left of the last tiles") {
        for (const WinogradCase& c : {WinogradCase{2, 16, 16, 32, 48, true, false, false, true, 1},
                                      WinogradCase{1, 13, 18, 48, 32, false, false, false, false, 1},
                                      WinogradCase{5, 9, 14, 32, 32, true, true, false, true, 2},
                                      WinogradCase{9, 7, 7, 64, 64, true, true, false, false, 2},
                                      WinogradCase{8, 12, 12, 32, 32, true, true, true, true, 2},
                                      WinogradCase{1, 30, 31, 64, 32, true, true, true, true, 2}}) {
            CAPTURE(c.h);
            REQUIRE(taken({c.batch, c.h, c.h, c.c}, {c.k, 3, 3, c.c}, 1, 1, true));
            CHECK(distance(run_case("cpu", c), run_case("reference", c)) < 3e-5);  // a wrong tap would make it about 1
        }
    }

    TEST_CASE("errors hardly grow with the number of channels") {
        const WinogradCase wide{1, 16, 16, 512, 32, false, false, false, false, 2};
        CHECK(mean_distance(run_case("cpu", wide), run_case("reference", wide)) < 1e-6);
        const WinogradCase back{1, 16, 16, 32, 512, false, false, false, false, 2};
        CHECK(mean_distance(run_gradient("cpu", back), run_gradient("reference", back)) < 1e-6);
    }

    TEST_CASE("outputs have the same bits on any number of threads") {
        WinogradCase c{3, 20, 20, 32, 96, true, true, false, true, 1};
        const std::vector<float> one = run_case("cpu", c), gradient = run_gradient("cpu", c);
        for (int threads : {2, 3}) {
            c.threads = threads;
            CHECK(run_case("cpu", c) == one);
            CHECK(run_gradient("cpu", c) == gradient);
        }
    }

    TEST_CASE("weights and scales uploaded between runs are seen") {
        Bench bench("cpu", 1);
        Values random(3);
        const auto put = [&](const Shape& shape) { return bench.put(shape, random.reals(element_count(shape))); };
        const Buffer x = put({1, 16, 16, 32}), w = put({32, 3, 3, 32}), scale = put({32});
        const Buffer y = bench.device().create({1, 16, 16, 32});
        Program program;
        const TensorId values = program.temporary({1, 16, 16, 32});
        program.add(
            Convolution{program.bind(x), program.bind(put({32, 1, 1, 32})), values, ConvolutionWindow::square(1, 0)});
        Convolution op{values, program.bind(w), program.bind(y), ConvolutionWindow::square(1, 1)};
        op.epilogue.scale = program.bind(scale);
        program.add(op);
        const auto compiled = bench.device().compile(program);
        compiled->run();
        const std::vector<float> before = bench.get(y);
        bench.device().upload(*scale, std::vector<float>(32, 0.0f));
        compiled->run();
        CHECK(bench.get(y) == std::vector<float>(before.size(), 0.0f));
        bench.device().upload(*scale, std::vector<float>(32, 1.0f));
        bench.device().upload(*w, std::vector<float>(32 * 9 * 32, 0.0f));
        compiled->run();
        CHECK(bench.get(y) == std::vector<float>(before.size(), 0.0f));
    }

    TEST_CASE("is taken where it gains, and for values alone") {
        CHECK(taken({1, 56, 56, 64}, {64, 3, 3, 64}, 1, 1, true));
        CHECK(taken({16, 14, 14, 256}, {256, 3, 3, 256}, 1, 1, true));
        CHECK(taken({1, 14, 14, 512}, {512, 3, 3, 512}, 1, 1, true));
        CHECK_FALSE(taken({1, 14, 14, 528}, {512, 3, 3, 528}, 1, 1, true));  // more weights than that
        CHECK_FALSE(taken({1, 56, 56, 64}, {64, 3, 3, 64}, 1, 1, false));    // perhaps codes
        CHECK_FALSE(taken({1, 56, 56, 64}, {64, 3, 3, 64}, 2, 1, true));     // strided
        CHECK_FALSE(taken({1, 56, 56, 64}, {64, 1, 1, 64}, 1, 0, true));     // 1x1
        CHECK_FALSE(taken({1, 56, 56, 64}, {64, 3, 3, 64}, 1, 0, true));     // no padding
        CHECK_FALSE(taken({64, 2, 2, 512}, {512, 3, 3, 512}, 1, 1, true));   // no fewer products
        CHECK_FALSE(taken({1, 4, 4, 256}, {256, 3, 3, 256}, 1, 1, true));    // one tile for all those weights
        CHECK_FALSE(taken({1, 56, 56, 24}, {24, 3, 3, 24}, 1, 1, true));     // few channels
    }

    TEST_CASE("sums of codes stay exact in a layer that values would take through it") {
        const auto run = [](const std::string& device) {
            Bench bench(device, 2);
            Values random(5);
            Program program;
            const TensorId image = program.bind(bench.put({2, 16, 16, 32}, random.reals(2 * 16 * 16 * 32)));
            const TensorId codes = program.temporary({2, 16, 16, 32});
            const Buffer y = bench.device().create({2, 16, 16, 32});
            program.add(FakeQuantise{image, codes, {{4, false}, program.bind(bench.put({1}, {0.125f})), 0.0f, true}});
            program.add(Convolution{codes, program.bind(bench.put({32, 3, 3, 32}, random.wholes(32 * 9 * 32, -8, 7))),
                                    program.bind(y), ConvolutionWindow::square(1, 1)});
            bench.device().compile(program)->run();
            return bench.get(y);
        };
        CHECK(run("cpu") == run("reference"));
    }

    TEST_CASE("the gradient to data agrees with the reference, and sees weights that were uploaded between runs") {
        for (const WinogradCase& c : {WinogradCase{2, 16, 16, 32, 48, false, false, false, true, 1},
                                      WinogradCase{1, 13, 18, 48, 32, false, true, false, false, 2},
                                      WinogradCase{5, 9, 14, 32, 32, false, true, false, true, 2},
                                      WinogradCase{64, 16, 16, 32, 64, false, false, false, false, 2}}) {
            CAPTURE(c.h);
            const std::vector<float> ours = run_gradient("cpu", c), reference = run_gradient("reference", c);
            REQUIRE(ours.size() == reference.size());
            CHECK(distance(ours, reference) < 3e-5);
        }
    }

    TEST_CASE(
        "the gradient to weights agrees with the reference, whatever is left of the last tiles and of the last block") {
        const auto reference = make_device("reference"), half = bf16_device();
        for (const WinogradCase& c : {WinogradCase{4, 16, 16, 32, 48, false, false, false, false, 1},
                                      WinogradCase{5, 13, 18, 48, 32, false, false, false, false, 2},
                                      WinogradCase{47, 4, 44, 32, 32, false, false, false, false, 1},
                                      WinogradCase{35, 16, 13, 32, 64, false, false, false, false, 2}}) {
            CAPTURE(c.h);
            REQUIRE(to_weights_taken({c.batch, c.h, c.w, c.c}, {c.k, 3, 3, c.c}, 1, 1));
            const std::vector<float> exact = run_to_weights(*reference, c);
            const auto device = make_device("cpu", c.threads);
            CHECK(distance(run_to_weights(*device, c), exact) < 3e-5);
            if (!half) continue;
            const std::vector<float> rounded = run_to_weights(*reference, c, true);
            for (bool gathered : {false, true}) {
                const std::vector<float> found = run_to_weights(*half, c, false, gathered);
                CHECK(distance(found, rounded) < 3e-5);
                CHECK(distance(found, exact) > 1e-3);  // it did round
            }
        }
    }

    TEST_CASE("gradients go this way where it gains: maps enough, the more if weights are transformed in every run") {
        CHECK(gradient_taken({4, 16, 16, 64}, {64, 3, 3, 64}, 1, 1, true));
        CHECK_FALSE(gradient_taken({3, 16, 16, 64}, {64, 3, 3, 64}, 1, 1, true));
        CHECK(gradient_taken({3, 16, 16, 64}, {64, 3, 3, 64}, 1, 1, false));
        CHECK_FALSE(gradient_taken({64, 16, 16, 64}, {64, 3, 3, 64}, 2, 1, false));
        CHECK_FALSE(gradient_taken({64, 16, 16, 64}, {64, 1, 1, 64}, 1, 0, false));
        CHECK_FALSE(gradient_taken({64, 16, 16, 24}, {64, 3, 3, 24}, 1, 1, false));
        CHECK_FALSE(gradient_taken({64, 16, 16, 64}, {64, 3, 3, 64}, 1, 1, false, Math::bf16));
        CHECK(to_weights_taken({4, 16, 16, 64}, {64, 3, 3, 64}, 1, 1));
        CHECK(gradient_taken({4, 16, 16, 512}, {512, 3, 3, 512}, 1, 1, false));
        CHECK_FALSE(gradient_taken({4, 16, 16, 512}, {512, 3, 3, 512}, 1, 1, true));
        CHECK_FALSE(to_weights_taken({4, 16, 16, 512}, {512, 3, 3, 512}, 1, 1));
        CHECK_FALSE(to_weights_taken({3, 16, 16, 64}, {64, 3, 3, 64}, 1, 1));
        CHECK_FALSE(to_weights_taken({64, 16, 16, 64}, {64, 3, 3, 64}, 2, 1));
        CHECK_FALSE(to_weights_taken({64, 16, 16, 64}, {64, 1, 1, 64}, 1, 0));
        CHECK_FALSE(to_weights_taken({64, 2, 2, 64}, {64, 3, 3, 64}, 1, 1));
    }
}
