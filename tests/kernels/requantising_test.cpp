// From codes to codes as other runtimes round them: what onnxruntime's operators and OpenVINO gave where another order
// of operations gives another code (tests/fixtures/onnx/requantising.json and openvino.json;
// tools/make_requantising_fixtures.py and make_openvino_fixtures.py).
#include <doctest/doctest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "engine/passes/requantise.h"
#include "support/devices.h"
#include "support/integer_layers.h"
#include "support/onnx_files.h"

using namespace adaq;
using namespace adaq::test;
using nlohmann::json;
using Counts = CodeQuantiser::Counts;

namespace {

json cases_of(const std::string& kind, const char* fixture = "requantising.json") {
    std::ifstream file(onnx_fixture(fixture));
    return json::parse(file).at(kind);
}

CodeQuantiser quantiser_of(const json& c, Counts counts) {
    return {c.at("y_scale"), c.at("y_zero"), Grid{8, true}, counts};
}

/// Holds the one code that a program gives on each device against onnxruntime's. build(device, program, y) adds its
/// operations.
template <typename Build>
void check_code(const json& c, const Shape& shape, const Build& build) {
    for (const std::string& name : devices_under_test()) {
        INFO(name, ": ", c.dump());
        const auto device = make_device(name, 1);
        Program program;
        const Buffer y = device->create(shape, DType::u8);
        build(*device, program, program.bind(y));
        device->compile(program)->run(1);
        CHECK(values_of(*device, y).front() == c.at("code").get<float>());
    }
}

void check_layer(const json& c) {
    check_code(c, {1, 1, 1, 1}, [&](Device& device, Program& program, TensorId y) {
        const std::vector<float> x = c.at("x"), w = c.at("w");
        const Shape shape{1, 1, 1, std::ssize(x)};
        IntegerConvolution op{
            {put(device, program, shape, x, DType::u8), put(device, program, shape, w, DType::i8), y}};
        op.x_zero = c.at("x_zero");
        op.bias = program.bind(adaq::put(device, std::vector<int32_t>{c.at("bias")}));
        const float unit = QuantisedBias::unit(c.at("x_scale"), c.at("w_scale"));
        op.epilogue.scale = put(device, program, {1}, {requantising_factor(unit, c.at("y_scale"))});
        op.epilogue.quantiser = quantiser_of(c, Counts::steps);
        program.add(op);
    });
}

void check_addition(const json& c) {
    check_code(c, {1}, [&](Device& device, Program& program, TensorId y) {
        const AddingFactors by(c.at("a_scale"), c.at("a_zero"), c.at("b_scale"), c.at("b_zero"), c.at("y_scale"),
                               c.at("y_zero"));
        program.add(IntegerAddition{put(device, program, {1}, {c.at("a").get<float>()}, DType::u8),
                                    put(device, program, {1}, {c.at("b").get<float>()}, DType::u8), y, by.a, by.b, 0, 0,
                                    by.offset, Activation::none(), quantiser_of(c, Counts::codes)});
    });
}

void check_mean(const json& c) {
    check_code(c, {1, 1}, [&](Device& device, Program& program, TensorId y) {
        const std::vector<float> x = c.at("x");
        const int64_t positions = std::ssize(x);
        const TensorId steps = program.temporary({1, 1});
        program.add(
            SumOverMap{put(device, program, {1, positions, 1, 1}, x, DType::u8), steps, c.at("x_zero"),
                       requantising_factor(c.at("x_scale").get<float>(), positions, c.at("y_scale").get<float>())});
        program.add(QuantiseToCodes{steps, y, quantiser_of(c, Counts::steps)});
    });
}

void check_window(const json& c) {
    check_code(c, {1, 1, 1, 1}, [&](Device& device, Program& program, TensorId y) {
        const CodeQuantiser quantiser = quantiser_of(c, Counts::codes);
        const TensorId steps = program.temporary({1, 1, 1, 1});
        AveragePool op{put(device, program, {1, 2, 2, 1}, c.at("x").get<std::vector<float>>(), DType::u8),
                       steps,
                       PoolingWindow{2, 3, 2, 1, 0, 0, 0, 1},
                       c.at("counts_padding").get<int>() != 0,
                       c.at("x_scale"),
                       c.at("x_zero")};
        op.steps = AveragePool::Steps{quantiser.scale, quantiser.zero()};
        program.add(op);
        program.add(QuantiseToCodes{steps, y, quantiser});
    });
}

/// A convolution of one output whose sum becomes a value, as OpenVINO's do.
IntegerConvolution layer_of(Device& device, Program& program, const json& c, TensorId y) {
    const std::vector<float> x = c.at("x"), w = c.at("w");
    const Shape shape{1, 1, 1, std::ssize(x)};
    IntegerConvolution op{{put(device, program, shape, x, DType::u8), put(device, program, shape, w, DType::i8), y}};
    const float x_scale = c.at("x_scale"), w_scale = c.at("w_scale");
    op.x_zero = c.value("x_zero", 0);
    op.epilogue.scale = put(device, program, {1}, {x_scale * w_scale});
    op.epilogue.shift = put(device, program, {1}, {c.at("bias").get<float>()});
    return op;
}

void check_openvino(const json& c) {
    check_code(c, {1, 1, 1, 1}, [&](Device& device, Program& program, TensorId y) {
        IntegerConvolution op = layer_of(device, program, c.at("a"), y);
        Added added = Added::nothing;
        CodesOf residual{};
        if (c.contains("r")) {
            added = Added::codes;
            residual = {c.at("a").at("x_scale"), c.at("a").value("x_zero", 0)};
            op.epilogue.residual = put(device, program, {1, 1, 1, 1}, {c.at("r").get<float>()}, DType::u8);
        } else if (c.contains("b")) {
            added = Added::values;
            op.epilogue.residual = program.temporary({1, 1, 1, 1});
            program.add(layer_of(device, program, c.at("b"), op.epilogue.residual));
        }
        const CodesOf output{c.at("y_scale"), c.value("y_zero", 0)};
        const OpenVinoFactors by(output, added, residual, true);
        op.epilogue.summand = by.summand;
        op.epilogue.factor = by.to_residual;
        if (output.zero == 0) op.epilogue.activation = Activation::relu();
        op.epilogue.quantiser = CodeQuantiser{output.scale,  static_cast<float>(output.zero),
                                              Grid{8, true}, output.zero == 0 ? Counts::values : Counts::codes,
                                              by.to_output,  by.shift};
        program.add(op);
    });
}

}  // namespace

TEST_SUITE("requantising") {
    TEST_CASE("OpenVINO's codes of layers, of layers to which codes are added, and of pairs that are added") {
        for (const std::string kind : {"layers", "residuals", "pairs"}) {
            for (const char* zeros : {"", "_with_zeros"}) {
                const json cases = cases_of(kind + zeros, "openvino.json");
                CHECK(cases.size() >= 80);
                for (const json& c : cases) check_openvino(c);
            }
        }
    }

    TEST_CASE("OpenVINO's factors: of bytes one that is rounded twice, with fewer bits rounded once") {
        // From OpenVINO's own log: eltwise_linear:9.54869 of 4-bit codes. The others differ in the last digit.
        const float s = 1.0f / 9.548689842f;
        CHECK(OpenVinoFactors({s, 0}, Added::nothing, {}, false).to_output == 255.0f / (255.0f * s));
        const CodesOf output{0.034010954f, 0}, residual{0.030065069f, 0};
        CHECK(OpenVinoFactors(output, Added::codes, residual, false).to_residual == 1.0f / 0.030065069f);
        const OpenVinoFactors once(output, Added::codes, residual, false), twice(output, Added::codes, residual, true);
        CHECK(once.to_output == 0.883981943f);
        CHECK(twice.to_output == 0.883982003f);
    }

    TEST_CASE("sums with an integer bias") {
        for (const json& c : cases_of("layers")) check_layer(c);
    }
    TEST_CASE("additions") {
        for (const json& c : cases_of("additions")) check_addition(c);
    }
    TEST_CASE("means of maps") {
        for (const json& c : cases_of("means")) check_mean(c);
    }

    TEST_CASE("means of windows") {
        for (const json& c : cases_of("windows")) check_window(c);
    }

    TEST_CASE("a bias belongs to any layer of codes: few and many channels, wide sums, zero points") {
        size_t number = 0;
        for (IntegerLayer layer : layers_of_all_shapes()) {
            for (const IntegerSums sums : {IntegerSums::narrow, IntegerSums::wide}) {
                layer.x_zero = number % 2 == 1 ? 77 : 0;
                layer.w_zeros = number % 3 == 1;
                layer.bias = true;
                layer.sums = sums;
                layer.quantiser.reset();
                layer.y = DType::f32;
                const IntegerInputs inputs(layer, number++);
                INFO(to_string(layer.x_shape()), " by ", to_string(layer.w_shape()));
                const auto reference = make_device("reference", 1);
                const std::vector<float> expected = run_layer(*reference, layer, inputs);
                for (const std::string& name : devices_under_test())
                    CHECK(run_layer(*make_device(name, 2), layer, inputs) == expected);
                layer.bias = false;
                CHECK(run_layer(*reference, layer, inputs) != expected);
            }
        }
    }

    TEST_CASE("additions with an offset: any length, codes and what they stand for") {
        for (const int64_t count : {1, 7, 16, 33, 1000}) {
            for (const DType made : {DType::u8, DType::f32}) {
                Values values(static_cast<uint64_t>(count));
                const std::vector<float> a = values.wholes(count, 0, 255), b = values.wholes(count, 0, 255);
                const AddingFactors by(0.031f, 7, 0.017f, 200, 0.044f, 31);
                const auto run = [&](Device& device) {
                    Program program;
                    const Buffer y = device.create({count}, made);
                    program.add(IntegerAddition{put(device, program, {count}, a, DType::u8),
                                                put(device, program, {count}, b, DType::u8), program.bind(y), by.a,
                                                by.b, 0, 0, by.offset, Activation::clamp(40.0f, 180.0f),
                                                CodeQuantiser{0.044f, 31.0f, Grid{8, true}, Counts::codes}});
                    device.compile(program)->run(1);
                    return values_of(device, y);
                };
                const std::vector<float> expected = run(*make_device("reference", 1));
                for (const std::string& name : devices_under_test()) CHECK(run(*make_device(name, 1)) == expected);
            }
        }
    }

    TEST_CASE("an integer bias of sums that are no codes' is refused, and an offset of values") {
        const auto device = make_device("reference", 1);
        Program program;
        IntegerLinear linear{{put(*device, program, {1, 2}, {1.0f, 2.0f}),
                              put(*device, program, {1, 2}, {1.0f, 2.0f}, DType::i8), program.temporary({1, 1})}};
        linear.bias = program.bind(adaq::put(*device, std::vector<int32_t>{3}));
        program.add(linear);
        CHECK_THROWS_WITH(device->compile(program), doctest::Contains("x has no codes, and its sums an integer bias"));
        Program addition;
        const TensorId a = put(*device, addition, {1}, {1.0f});
        addition.add(IntegerAddition{a, a, addition.temporary({1}), 1.0f, 1.0f, 0, 0, 0.5f});
        Program residual;
        IntegerLinear scaled{{put(*device, residual, {1, 2}, {1.0f, 2.0f}, DType::u8),
                              put(*device, residual, {1, 2}, {1.0f, 2.0f}, DType::i8), residual.temporary({1, 1})}};
        scaled.epilogue.residual = put(*device, residual, {1, 1}, {1.0f}, DType::u8);
        scaled.epilogue.residual_scale = 0.5f;
        scaled.epilogue.factor = 2.0f;
        residual.add(scaled);
        CHECK_THROWS_WITH(device->compile(residual), doctest::Contains("a factor of 2 beside a residual with a scale"));
        Program window;
        AveragePool pool{put(*device, window, {1, 2, 2, 1}, {1.0f, 2.0f, 3.0f, 4.0f}), window.temporary({1, 1, 1, 1})};
        pool.steps = AveragePool::Steps{0.5f, 3};
        window.add(pool);
        CHECK_THROWS_WITH(device->compile(window), doctest::Contains("average pool: steps of values"));
        CHECK_THROWS_WITH(device->compile(addition), doctest::Contains("addition of codes with an offset"));
    }
}
