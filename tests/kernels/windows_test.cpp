// Convolutions with groups, dilation, and windows that are not square: every device against the reference in three
// directions and in integers, and the reference against central differences.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "kernels/reference/device.h"
#include "support/devices.h"
#include "support/integer_layers.h"
#include "support/layer_windows.h"
#include "support/places.h"
#include "support/product_tolerance.h"
#include "support/program_builder.h"

using namespace adaq;
using namespace adaq::test;

namespace {

struct Inputs {
    std::vector<float> x, w, dy;

    Inputs(const LayerWindow& layer, uint64_t seed, bool whole = false) {
        Values values(seed);
        const auto draw = [&](const Shape& shape) {
            const int64_t count = element_count(shape);
            return whole ? values.wholes(count, -15, 15) : values.reals(count);
        };
        x = draw(layer.x());
        w = draw(layer.filter());
        dy = draw(layer.y());
    }
};

using Results = std::vector<std::vector<float>>;  // y, dx, dw

Results run(Device& device, const LayerWindow& layer, const Inputs& inputs, bool training = true) {
    Program program;
    const TensorId x = put(device, program, layer.x(), inputs.x), w = put(device, program, layer.filter(), inputs.w),
                   dy = put(device, program, layer.y(), inputs.dy);
    std::vector<Buffer> outputs{device.create(layer.y())};
    program.add(Convolution{x, w, program.bind(outputs[0]), layer.window});
    if (training) {
        outputs.push_back(device.create(layer.x()));
        outputs.push_back(device.create(layer.filter()));
        program.add(ConvolutionToData{dy, w, program.bind(outputs[1]), layer.window});
        program.add(ConvolutionToWeights{x, dy, program.bind(outputs[2]), layer.window});
    }
    device.compile(program)->run(2);
    Results results;
    for (const Buffer& output : outputs) results.push_back(values_of(device, output));
    return results;
}

/// The shape of a pool's output.
Shape pooled(const Shape& x, const PoolingWindow& window) {
    return {x[0], window.rows().positions(x[1]), window.columns().positions(x[2]), x[3]};
}

Inputs magnitudes(Inputs inputs) {
    for (std::vector<float>* values : {&inputs.x, &inputs.w, &inputs.dy})
        for (float& v : *values) v = std::fabs(v);
    return inputs;
}

Inputs operands_of(Inputs inputs, Math math) {
    for (std::vector<float>* values : {&inputs.x, &inputs.w, &inputs.dy}) *values = rounded(*values, math);
    return inputs;
}

/// Whether its gradients, too, have the same bits on any number of threads; oneDNN's have not.
bool of_any_threads(const LayerWindow& layer) { return layer.filter()[3] == 1 && layer.c == layer.k; }

/// The reference's sums of a layer, which a device's are held to.
class ExpectedSums {
  public:
    ExpectedSums(const LayerWindow& layer, const Inputs& inputs, Math math) : layer_(layer), math_(math) {
        const auto reference = make_device("reference", 1);
        const Inputs multiplied = operands_of(inputs, math);
        sums_ = run(*reference, layer, multiplied);
        sizes_ = run(*reference, layer, magnitudes(multiplied));
    }

    /// Each sum within its tolerance.
    void check(const Results& found) const {
        for (size_t direction = 0; direction < found.size(); ++direction) {
            CAPTURE(direction);
            const double tolerance = sum_tolerance(math_, layer_.products(direction));
            double worst = 0.0;
            for (size_t i = 0; i < found[direction].size(); ++i) {
                const double error = std::abs(double{found[direction][i]} - sums_[direction][i]);
                worst = std::max(worst, error / (tolerance * sizes_[direction][i] + 1e-30));
            }
            CHECK(worst <= 1.0);
        }
    }

  private:
    const LayerWindow& layer_;
    Math math_;
    Results sums_, sizes_;
};

}  // namespace

TEST_SUITE("windows") {
    TEST_CASE("convolutions of any window agree with the reference, in three directions") {
        for (const LayerWindow& layer : layer_windows()) {
            CAPTURE(layer.name);
            const Inputs inputs(layer, 3);
            const ExpectedSums expected(layer, inputs, Math::f32);
            for (const std::string& name : devices_under_test()) {
                const auto device = make_device(name, 2);
                for (bool training : {true, false}) expected.check(run(*device, layer, inputs, training));
            }
            const auto devices = bf16_devices();
            if (devices.empty()) continue;
            const ExpectedSums rounded(layer, inputs, Math::bf16);
            for (const auto& device : devices)
                for (bool training : {true, false}) rounded.check(run(*device, layer, inputs, training));
        }
    }

    TEST_CASE("the same bits on one thread and on two") {
        for (const LayerWindow& layer : layer_windows()) {
            CAPTURE(layer.name);
            const Inputs inputs(layer, 5);
            for (const std::string& name : devices_under_test())
                CHECK(run(*make_device(name, 1), layer, inputs, of_any_threads(layer)) ==
                      run(*make_device(name, 2), layer, inputs, of_any_threads(layer)));
        }
    }

    TEST_CASE("epilogues, and gradients that go on through an activation") {
        const auto check = [](const LayerWindow& layer, bool quantise) {
            CAPTURE(layer.name);
            CAPTURE(quantise);
            const Inputs inputs(layer, 7, true);
            const auto results = [&](const std::string& name) {
                ProgramBuilder b(name);
                Values values(11);
                const TensorId w = b.put("w", layer.filter(), inputs.w);
                Convolution op{b.put("x", layer.x(), inputs.x), w, b.out("y", layer.y()), layer.window};
                op.epilogue.scale = b.put("scale", {layer.k}, std::vector<float>(static_cast<size_t>(layer.k), 0.5f));
                op.epilogue.shift = b.put("shift", {layer.k}, values.wholes(layer.k, -8, 8));
                op.epilogue.residual = b.put("residual", layer.y(), values.wholes(element_count(layer.y()), -40, 40));
                op.epilogue.activation = Activation::relu();
                if (quantise) op.epilogue.quantiser = OutputQuantiser{{4, true}, b.put("s", {1}, {8.0f})};
                b.add(op);
                ConvolutionToData to_data{b.put("dy", layer.y(), inputs.dy), w, b.out("dx", layer.x()), layer.window};
                to_data.addend = b.put("addend", layer.x(), values.wholes(element_count(layer.x()), -9, 9));
                to_data.activation = ActivationGradient{
                    b.put("v", layer.x(), values.wholes(element_count(layer.x()), 0, 3)), Activation::relu()};
                b.add(to_data);
                b.run();
                return std::vector{b.get("y"), b.get("dx")};
            };
            const auto expected = results("reference");
            for (const std::string& name : devices_under_test()) CHECK(results(name) == expected);
        };
        for (const LayerWindow& layer : layer_windows())
            for (const bool quantise : {false, true}) check(layer, quantise);
    }

    TEST_CASE("in integers, and by simulation's sums in order and exact ones") {
        size_t number = 0;
        for (const LayerWindow& of : layer_windows()) {
            CAPTURE(of.name);
            IntegerLayer layer{of.n, of.h, of.w, of.c, of.k, of.r};
            layer.other = &of;
            layer.x_zero = number % 2 == 0 ? 37 : 0;
            layer.w_zeros = number % 4 >= 2;
            if (number % 3 == 0) layer.residual = DType::u8;
            for (const int kind : {0, 1, 2, 3}) {
                CAPTURE(kind);
                layer.sums = kind == 1 ? IntegerSums::wide : IntegerSums::narrow;
                layer.x = kind == 2 ? DType::f32 : DType::u8;
                if (kind >= 2) layer.x_zero = 0;
                const IntegerInputs inputs(layer, number++);
                const auto reference = make_device("reference", 1);
                const std::vector<float> expected = run_layer(*reference, layer, inputs);
                for (const std::string& name : devices_under_test())
                    CHECK(run_layer(*make_device(name, 2), layer, inputs) == expected);
            }
            layer.quantiser.reset();
            layer.residual.reset();
            layer.y = DType::f32;
            layer.w_zeros = false;
            for (const Sums sums : {Sums::in_order, Sums::exact}) {
                layer.x = sums == Sums::in_order ? DType::f32 : DType::u8;
                const IntegerInputs inputs(layer, number++);
                const auto reference = make_device("reference", 1);
                const std::vector<float> expected = run_layer(*reference, layer, inputs);
                const auto simulated = [&](Device& device) {
                    Program program;
                    const TensorId x = put(device, program, layer.x_shape(), inputs.x),
                                   w = put(device, program, layer.w_shape(), inputs.w);
                    const Buffer y = device.create(layer.y_shape());
                    const Epilogue epilogue{put(device, program, {layer.k}, inputs.scale),
                                            put(device, program, {layer.k}, inputs.shift)};
                    program.add(Convolution{x, w, program.bind(y), of.window, epilogue, sums});
                    device.compile(program)->run(1);
                    return values_of(device, y);
                };
                for (const std::string& name : devices_under_test())
                    CHECK(simulated(*make_device(name, 2)) == expected);
                for (const auto& device : bf16_devices()) CHECK(simulated(*device) == expected);
            }
        }
    }

    TEST_CASE("every direction, average pools and ReLU6 agree with PyTorch") {
        const auto fixtures = nlohmann::json::parse(std::ifstream(fixtures_folder() + "/operations/windows.json"));
        for (const std::string& name : all_devices()) {
            for (const auto& test : fixtures) {
                CAPTURE(name);
                CAPTURE(test["window"].dump());
                ProgramBuilder b(name);
                const auto in = [&](const char* tensor) {
                    return b.put(tensor, test[tensor]["shape"].get<Shape>(),
                                 test[tensor]["values"].get<std::vector<float>>());
                };
                const auto out = [&](const char* tensor) { return b.out(tensor, test[tensor]["shape"].get<Shape>()); };
                const TensorId x = in("x"), dy = in("dy"), y = out("y"), dx = out("dx");
                const auto kind = test["operation"].get<std::string>();
                if (kind == "convolution") {
                    const auto v = test["window"].get<std::vector<int>>();
                    const ConvolutionWindow window{v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8]};
                    const TensorId w = in("w");
                    b.add(Convolution{x, w, y, window});
                    b.add(ConvolutionToData{dy, w, dx, window});
                    b.add(ConvolutionToWeights{x, dy, out("dw"), window});
                } else if (kind == "average_pool") {
                    const auto v = test["window"].get<std::vector<int>>();
                    const PoolingWindow window{v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7]};
                    b.add(AveragePool{x, y, window, test["counts_padding"].get<bool>()});
                    b.add(AveragePoolGradient{dy, dx, window, test["counts_padding"].get<bool>()});
                } else {
                    const Activation relu6 = Activation::clamp(0.0f, 6.0f);
                    b.add(Addition{x, b.zeros("zeros", test["x"]["shape"].get<Shape>()), y, 1.0f, 1.0f, std::nullopt,
                                   kNone, relu6});
                    b.add(ActivationBackward{dy, dx, kNone, {y, relu6}});
                }
                b.run();
                for (const char* output : {"y", "dx", "dw"}) {
                    if (!test.contains(output)) continue;
                    CAPTURE(output);
                    CHECK(distance(b.get(output), test[output]["values"].get<std::vector<double>>()) <
                          (name == "reference" ? 1e-9 : 1e-6));
                }
            }
        }
    }

    TEST_CASE("the reference's gradients are the slopes of its forward pass") {
        for (const LayerWindow& layer : layer_windows()) {
            if (element_count(layer.x()) > 800 || element_count(layer.filter()) > 800) continue;
            CAPTURE(layer.name);
            const Inputs inputs(layer, 13);
            ProgramBuilder forward("reference"), backward("reference");
            forward.add(Convolution{forward.put("x", layer.x(), inputs.x), forward.put("w", layer.filter(), inputs.w),
                                    forward.out("y", layer.y()), layer.window});
            const TensorId dy = backward.put("dy", layer.y(), inputs.dy);
            backward.add(ConvolutionToData{dy, backward.put("w", layer.filter(), inputs.w),
                                           backward.out("dx", layer.x()), layer.window});
            backward.add(ConvolutionToWeights{backward.put("x", layer.x(), inputs.x), dy,
                                              backward.out("dw", layer.filter()), layer.window});
            backward.run();
            CHECK(distance(backward.get("dx"), central_differences(forward, "x", "y", inputs.dy)) < 1e-8);
            CHECK(distance(backward.get("dw"), central_differences(forward, "w", "y", inputs.dy)) < 1e-8);
        }
    }

    TEST_CASE("average pools of any window and their gradients agree with the reference, padding counted or not") {
        for (const PoolingWindow& window :
             {PoolingWindow{2, 3, 2, 1, 0, 1, 0, 1}, PoolingWindow{3, 3, 2, 2, 1, 1, 1, 1},
              PoolingWindow{1, 4, 1, 3, 0, 0, 0, 2}, PoolingWindow{2, 2, 3, 3}}) {
            for (const int64_t c : {16, 5}) {
                const Shape x{2, 7, 8, c}, y = pooled(x, window);
                CAPTURE(to_string(y));
                for (const bool counted : {false, true}) {
                    const auto build = [&](ProgramBuilder& b) {
                        Values values(17);
                        b.add(AveragePool{b.put("x", x, values.reals(element_count(x))), b.out("y", y), window, counted,
                                          0.75f});
                        b.add(AveragePoolGradient{b.put("dy", y, values.reals(element_count(y))), b.out("dx", x),
                                                  window, counted, 0.75f});
                        b.run();
                    };
                    ProgramBuilder reference("reference");
                    build(reference);
                    Values values(17);
                    values.reals(element_count(x));
                    const std::vector<float> dy = values.reals(element_count(y));
                    const std::vector<double> mean = reference.get("y"), dx = reference.get("dx");
                    CHECK(distance(dx, central_differences(reference, "x", "y", dy)) < 1e-8);
                    const auto of_codes = [&](Device& device, std::optional<AveragePool::Steps> steps) {
                        Values drawn(23);
                        Program program;
                        const TensorId codes =
                            put(device, program, x, drawn.wholes(element_count(x), 0, 255), DType::u8);
                        const Buffer out = device.create(y);
                        AveragePool op{codes, program.bind(out), window, counted, 0.0123f, 77};
                        op.steps = steps;
                        program.add(op);
                        device.compile(program)->run(1);
                        return values_of(device, out);
                    };
                    const AveragePool::Steps steps{0.0431f, 19};
                    const auto expected = of_codes(*make_device("reference", 1), {}),
                               in_steps = of_codes(*make_device("reference", 1), steps);
                    double largest = 0.0;  // steps are the means, but for rounding
                    for (size_t i = 0; i < expected.size(); ++i)
                        largest = std::max(largest, std::fabs(double{in_steps[i]} - 19.0 - expected[i] / 0.0431));
                    CHECK(largest < 1e-3);
                    CHECK(in_steps != expected);
                    for (const std::string& name : devices_under_test()) {
                        ProgramBuilder b(name);
                        build(b);
                        CHECK(distance(b.get("y"), mean) < 1e-6);
                        CHECK(distance(b.get("dx"), dx) < 1e-6);
                        CHECK(of_codes(*make_device(name, 2), {}) == expected);
                        CHECK(of_codes(*make_device(name, 2), steps) == in_steps);
                    }
                }
            }
        }
    }

    TEST_CASE("a global average may stay a map") {
        for (const std::string& name : all_devices()) {
            const auto mean = [&](const Shape& of_y) {
                Values values(29);
                ProgramBuilder b(name);
                b.add(GlobalAveragePool{b.put("x", {2, 3, 4, 5}, values.reals(120)), b.out("y", of_y)});
                b.add(GlobalAveragePoolGradient{b.put("dy", of_y, values.reals(10)), b.out("dx", {2, 3, 4, 5})});
                b.run();
                return std::vector{b.get("y"), b.get("dx")};
            };
            CHECK(mean({2, 1, 1, 5}) == mean({2, 5}));
        }
    }

    TEST_CASE("max pools of any window and their gradients agree with the reference") {
        for (PoolingWindow window : {PoolingWindow{2, 3, 2, 1, 0, 1, 0, 1}, PoolingWindow{3, 3, 2, 2, 0, 0, 1, 1},
                                     PoolingWindow{1, 4, 1, 3, 0, 0, 0, 2}, PoolingWindow{2, 2, 2, 2, 1, 0, 0, 1}}) {
            for (const int64_t c : {16, 5}) {
                const Shape x{2, 7, 8, c}, y = pooled(x, window);
                CAPTURE(to_string(y));
                const auto results = [&](const std::string& name) {
                    Values values(17);
                    ProgramBuilder b(name);
                    const TensorId x_id = b.put("x", x, values.wholes(element_count(x), -4, 4));  // with ties
                    b.add(MaxPool{x_id, b.out("y", y), window});
                    b.add(MaxPoolGradient{x_id, b.put("dy", y, values.wholes(element_count(y), -9, 9)), b.out("dx", x),
                                          window});
                    b.run();
                    return std::vector{b.get("y"), b.get("dx")};
                };
                const auto expected = results("reference");
                for (const std::string& name : devices_under_test()) CHECK(results(name) == expected);
                for (const std::string& name : devices_under_test()) {
                    const auto pool = [&](Device& device) {
                        Values values(19);
                        Program program;
                        const TensorId codes =
                            put(device, program, x, values.wholes(element_count(x), 0, 255), DType::u8);
                        const Buffer out = device.create(y, DType::u8);
                        program.add(MaxPool{codes, program.bind(out), window});
                        device.compile(program)->run(1);
                        return values_of(device, out);
                    };
                    CHECK(pool(*make_device(name, 2)) == pool(*make_device("reference", 1)));
                }
            }
        }
    }
}
