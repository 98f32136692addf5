// Operations of integer execution, operation by operation: every device gives the reference's bits. And the sums of
// simulation that must have the same bits.
#include <doctest/doctest.h>

#include <cmath>

#include "support/devices.h"
#include "support/integer_layers.h"

using namespace adaq;
using namespace adaq::test;

namespace {

/// Holds what `run` makes of each device against the reference.
template <typename Run>
void check_against_reference(const Run& run) {
    const auto reference = make_device("reference", 1);
    const std::vector<float> expected = run(*reference);
    for (const std::string& name : devices_under_test()) {
        INFO(name);
        const auto device = make_device(name, 2);
        CHECK(run(*device) == expected);
    }
}

void check_layer(const IntegerLayer& layer, uint64_t seed) {
    INFO(to_string(layer.x_shape()), " by ", to_string(layer.w_shape()), ", stride ", layer.stride, ", x_zero ",
         layer.x_zero, std::string(layer.w_zeros ? ", zero points of weights" : ""));
    const IntegerInputs inputs(layer, seed);
    check_against_reference([&](Device& device) { return run_layer(device, layer, inputs); });
}

/// The output that a layer's program keeps, by the number of a case.
void vary_epilogue(IntegerLayer& layer, size_t i) {
    if (i % 3 == 1) layer.residual = DType::u8;
    if (i % 3 == 2) layer.residual = DType::f32;
    if (i % 2 == 1) layer.activation = Activation::relu();
    if (i % 4 == 3) layer.y = DType::f32;
    if (i % 8 == 7) layer.quantiser.reset();
    if (i % 5 == 2 && layer.quantiser) layer.quantiser->factor = 70.0f;
    if (i % 6 == 4) {
        layer.factor = 141.0f;
        layer.summand = i % 12 == 4 ? 0.3f : -0.0f;
        if (layer.quantiser) layer.quantiser->factor = 0.9f;
    }
    if (layer.quantiser && layer.quantiser->factor != 0.0f && (i % 4 < 2)) {
        layer.quantiser->shift = 100.3f;
        layer.quantiser->counts = CodeQuantiser::Counts::codes;
    }
}

}  // namespace

TEST_SUITE("integer operations") {
    TEST_CASE("layers of codes, with and without zero points") {
        size_t number = 0;
        for (IntegerLayer layer : layers_of_all_shapes()) {
            for (int zeros = 0; zeros < 4; ++zeros) {
                IntegerLayer mine = layer;
                mine.x_zero = zeros % 2 == 1 ? 37 : 0;
                mine.w_zeros = zeros >= 2;
                vary_epilogue(mine, number);
                check_layer(mine, number++);
            }
        }
    }

    TEST_CASE("wide sums, of codes and of sums of codes") {
        size_t number = 0;
        for (IntegerLayer layer : layers_of_all_shapes()) {
            layer.sums = IntegerSums::wide;
            layer.x_zero = number % 2 == 0 ? 255 : 0;
            layer.w_zeros = number % 3 == 0;
            if (layer.linear) {
                layer.x = DType::i32;
                layer.x_zero = 0;
            }
            vary_epilogue(layer, number);
            check_layer(layer, number++);
        }
        IntegerLayer beyond{.n = 2, .c = 40000, .k = 2, .linear = true};
        beyond.sums = IntegerSums::wide;
        beyond.quantiser.reset();
        beyond.y = DType::f32;
        beyond.w_zeros = true;
        IntegerInputs inputs(beyond, 3);
        inputs.x.assign(inputs.x.size(), 255.0f);
        inputs.w.assign(inputs.w.size(), 127.0f);
        inputs.w_zero.assign(inputs.w_zero.size(), -128.0f);
        inputs.scale.assign(inputs.scale.size(), 1.0f);
        inputs.shift.assign(inputs.shift.size(), 0.0f);
        check_against_reference([&](Device& device) { return run_layer(device, beyond, inputs); });
        const auto device = make_device(devices_under_test().front(), 1);
        CHECK(run_layer(*device, beyond, inputs).front() == 40000.0f * 255.0f * 255.0f);
    }

    TEST_CASE("layers of values: one order of the sum") {
        size_t number = 0;
        for (IntegerLayer layer : layers_of_all_shapes()) {
            layer.x = DType::f32;
            layer.w_zeros = number % 2 == 1;
            vary_epilogue(layer, number);
            check_layer(layer, number++);
        }
    }

    TEST_CASE("simulation's sums in order and exact sums are those of integer execution") {
        const auto reference = make_device("reference", 1);
        size_t number = 0;
        for (IntegerLayer layer : layers_of_all_shapes()) {
            for (const Sums sums : {Sums::in_order, Sums::exact}) {
                layer.x = sums == Sums::in_order ? DType::f32 : DType::u8;
                layer.x_zero = sums == Sums::in_order ? 0 : 128;
                layer.quantiser.reset();
                layer.y = DType::f32;
                const IntegerInputs inputs(layer, number++);
                const std::vector<float> expected = run_layer(*reference, layer, inputs);
                std::vector<float> centred = inputs.x;
                for (float& v : centred) v -= static_cast<float>(layer.x_zero);
                INFO(to_string(layer.x_shape()), " by ", to_string(layer.w_shape()),
                     std::string(sums == Sums::exact ? ", exact" : ", in order"));
                const auto check = [&](Device& device) {
                    Program program;
                    const TensorId x = put(device, program, layer.x_shape(), centred),
                                   w = put(device, program, layer.w_shape(), inputs.w);
                    const Buffer y = device.create(layer.y_shape());
                    Epilogue epilogue{put(device, program, {layer.k}, inputs.scale),
                                      put(device, program, {layer.k}, inputs.shift)};
                    if (layer.linear)
                        program.add(Linear{x, w, program.bind(y), epilogue, sums});
                    else
                        program.add(Convolution{x, w, program.bind(y),
                                                ConvolutionWindow::square(layer.stride, layer.padding), epilogue,
                                                sums});
                    device.compile(program)->run(1);
                    CHECK(values_of(device, y) == expected);
                };
                for (const std::string& name : devices_under_test()) check(*make_device(name, 2));
                for (const auto& device : bf16_devices()) check(*device);
            }
        }
    }

    TEST_CASE("additions of codes and values, into codes and values") {
        Values values(11);
        size_t number = 0;
        for (const Shape& shape : {Shape{2, 3, 5, 8}, Shape{1, 7, 3, 5}, Shape{3, 24}}) {
            for (int types = 0; types < 8; ++types, ++number) {
                const bool a_codes = types % 2 == 0, b_codes = types / 2 % 2 == 0, y_codes = types / 4 == 0;
                const int64_t count = element_count(shape);
                const auto draw = [&](bool codes) {
                    return codes ? extreme_wholes(values, count, 0, 255) : values.reals(count);
                };
                const std::vector<float> a = draw(a_codes), b = draw(b_codes);
                INFO(to_string(shape), ", types ", types);
                check_against_reference([&](Device& device) {
                    Program program;
                    IntegerAddition op{};
                    op.a = put(device, program, shape, a, a_codes ? DType::u8 : DType::f32);
                    op.b = put(device, program, shape, b, b_codes ? DType::u8 : DType::f32);
                    if (a_codes) op.a_scale = 0.0123f, op.a_zero = 3;
                    if (b_codes) op.b_scale = 0.0071f, op.b_zero = 200;
                    if (number % 3 == 0) op.activation = Activation::relu();
                    if (y_codes || number % 2 == 0)
                        op.quantiser = CodeQuantiser{0.021f, -3.0f, {number % 2 == 0 ? 8 : 3, false}};
                    const Buffer y = device.create(shape, y_codes ? DType::u8 : DType::f32);
                    op.y = program.bind(y);
                    program.add(op);
                    device.compile(program)->run(1);
                    return values_of(device, y);
                });
            }
        }
    }

    TEST_CASE("quantisation to codes, ties and ends included") {
        for (const int64_t channels : {8, 3}) {
            const Shape shape{2, 3, 4, channels};
            Values values(5);
            std::vector<float> x(static_cast<size_t>(element_count(shape)));
            for (float& v : x) v = values.whole(-90, 90) * 0.125f;  // each fourth is a tie at a scale of 0.25
            check_against_reference([&](Device& device) {
                Program program;
                const TensorId input = put(device, program, shape, x);
                const Buffer y = device.create(shape, DType::u8);
                program.add(QuantiseToCodes{input, program.bind(y), CodeQuantiser{0.25f, 4.0f, {6, true}}});
                device.compile(program)->run(1);
                return values_of(device, y);
            });
        }
    }

    TEST_CASE("pixels become what tables say, codes and values") {
        Values values(17);
        for (const int64_t channels : {1, 3, 4}) {
            const Shape shape{3, 5, 7, channels};
            const std::vector<float> pixels = extreme_wholes(values, element_count(shape), 0, 255),
                                     codes = extreme_wholes(values, channels * 256, 0, 255),
                                     reals = values.reals(channels * 256);
            for (const DType type : {DType::u8, DType::f32}) {
                check_against_reference([&](Device& device) {
                    Program program;
                    const TensorId x = put(device, program, shape, pixels, DType::u8);
                    const TensorId table =
                        put(device, program, {channels, 256}, type == DType::u8 ? codes : reals, type);
                    const Buffer y = device.create(shape, type);
                    program.add(LookUp{x, program.bind(y), table});
                    device.compile(program)->run(1);
                    return values_of(device, y);
                });
            }
        }
    }

    TEST_CASE("sums over maps, of codes and of values") {
        Values values(23);
        for (const int64_t channels : {16, 5}) {
            const Shape shape{2, 7, 6, channels}, pooled{2, channels};
            const std::vector<float> codes = extreme_wholes(values, element_count(shape), 0, 255),
                                     reals = values.reals(element_count(shape));
            const auto run = [&](Device& device, DType x, DType y, int zero, float scale) {
                Program program;
                const TensorId input = put(device, program, shape, x == DType::u8 ? codes : reals, x);
                const Buffer output = device.create(pooled, y);
                program.add(SumOverMap{input, program.bind(output), zero, scale});
                device.compile(program)->run(1);
                return values_of(device, output);
            };
            check_against_reference([&](Device& d) { return run(d, DType::u8, DType::i32, 99, 1.0f); });
            check_against_reference([&](Device& d) { return run(d, DType::u8, DType::f32, 0, 0.0103f); });
            check_against_reference([&](Device& d) { return run(d, DType::f32, DType::f32, 0, 0.3f); });
            // Simulation's.
            const auto reference = make_device("reference", 1);
            const std::vector<float> expected = run(*reference, DType::u8, DType::f32, 0, 0.0103f);
            for (const std::string& name : devices_under_test()) {
                const auto device = make_device(name, 2);
                Program program;
                const TensorId input = put(*device, program, shape, codes);
                const Buffer output = device->create(pooled);
                program.add(GlobalAveragePool{input, program.bind(output), 0.0103f, true});
                device->compile(program)->run(1);
                CHECK(values_of(*device, output) == expected);
            }
        }
    }

    TEST_CASE("max pooling of codes") {
        Values values(31);
        for (const int64_t channels : {24, 7}) {
            const Shape shape{2, 9, 8, channels};
            const std::vector<float> codes = extreme_wholes(values, element_count(shape), 0, 255);
            check_against_reference([&](Device& device) {
                Program program;
                const TensorId input = put(device, program, shape, codes, DType::u8);
                const Buffer output = device.create({2, 5, 4, channels}, DType::u8);
                program.add(MaxPool{input, program.bind(output)});
                device.compile(program)->run(1);
                return values_of(device, output);
            });
        }
    }

    TEST_CASE("images within a tensor of codes that is bound") {
        const Shape all{5, 3, 3, 5}, some{2, 3, 3, 5};
        Values values(41);
        const std::vector<float> codes = extreme_wholes(values, element_count(all), 0, 255);
        check_against_reference([&](Device& device) {
            Program program;
            const TensorId x = program.rows(put(device, program, all, codes, DType::u8), 2, 2);
            const Buffer y = device.create(some, DType::u8);
            IntegerAddition op{x, x, program.bind(y), 0.5f, 0.25f, 7, 9};
            op.quantiser = CodeQuantiser{1.0f, 0.0f, {8, true}};
            program.add(op);
            device.compile(program)->run(1);
            return values_of(device, y);
        });
    }
}
