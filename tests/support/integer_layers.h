// Random layers of integer execution as programs of one operation, on a device of choice.
#pragma once

#include <vector>

#include "engine/program/buffers.h"
#include "support/layer_windows.h"
#include "support/operations.h"

namespace adaq::test {

/// Whole numbers that lie at both ends half of the time, so that sums of products are as large as they get.
inline std::vector<float> extreme_wholes(Values& values, int64_t count, int lowest, int highest) {
    std::vector<float> drawn(static_cast<size_t>(count));
    for (float& v : drawn) {
        const float kind = values.whole(0, 3);
        v = kind == 0.0f   ? static_cast<float>(lowest)
            : kind == 1.0f ? static_cast<float>(highest)
                           : values.whole(lowest, highest);
    }
    return drawn;
}

/// A tensor of a program under test.
inline TensorId put(Device& device, Program& program, const Shape& shape, const std::vector<float>& values,
                    DType dtype = DType::f32) {
    const Buffer buffer = device.create(shape, dtype);
    device.upload(*buffer, values);
    return program.bind(buffer);
}

inline std::vector<float> values_of(Device& device, const Buffer& buffer) {
    std::vector<float> values(static_cast<size_t>(element_count(buffer->shape())));
    device.download(*buffer, values);
    return values;
}

/// A convolution, or a fully connected layer of c inputs.
struct IntegerLayer {
    int64_t n = 1, h = 1, w = 1, c = 1, k = 1, r = 1;
    int stride = 1, padding = 0;
    bool linear = false;
    DType x = DType::u8;
    int x_zero = 0;
    bool w_zeros = false, bias = false;
    IntegerSums sums = IntegerSums::narrow;
    std::optional<DType> residual = std::nullopt;
    float summand = -0.0f;
    float factor = 1.0f;  // of what a residual of codes is added to
    Activation activation = {};
    std::optional<CodeQuantiser> quantiser = CodeQuantiser{0.013f, 17.0f, {8, true}};
    DType y = DType::u8;
    const LayerWindow* other = nullptr;  // its window, which is not a square one

    Shape x_shape() const { return linear ? Shape{n, c} : Shape{n, h, w, c}; }
    Shape w_shape() const { return linear ? Shape{k, c} : other ? other->filter() : Shape{k, r, r, c}; }
    Shape y_shape() const { return linear ? Shape{n, k} : other ? other->y() : Shape{n, extent(h), extent(w), k}; }
    int64_t extent(int64_t in) const { return (in + int64_t{2} * padding - r) / stride + 1; }
    int64_t window() const { return linear ? c : other ? other->products(0) : r * r * c; }
};

/// What a layer gets, the same on every device.
struct IntegerInputs {
    std::vector<float> x, w, w_zero, scale, shift, residual;
    std::vector<int32_t> bias;

    IntegerInputs(const IntegerLayer& layer, uint64_t seed) {
        Values values(seed);
        const int64_t inputs = element_count(layer.x_shape()), outputs = element_count(layer.y_shape());
        x = layer.x == DType::f32   ? values.reals(inputs)
            : layer.x == DType::i32 ? extreme_wholes(values, inputs, -30000, 30000)
                                    : extreme_wholes(values, inputs, 0, 255);
        w = extreme_wholes(values, element_count(layer.w_shape()), -128, 127);
        w_zero = extreme_wholes(values, layer.k, -128, 127);
        // Sums come to values of about 1.
        const float largest = layer.x == DType::f32 ? 1.0f : layer.x == DType::i32 ? 30000.0f : 255.0f;
        const float spread = largest * 100.0f * std::sqrt(static_cast<float>(layer.window()));
        for (int64_t i = 0; i < layer.k; ++i) scale.push_back((values.real() + 1.25f) * 2.0f / spread);
        shift = values.reals(layer.k);
        Values biases(seed + 1);  // large: float32 does not hold sums with them
        for (int64_t i = 0; i < layer.k; ++i) bias.push_back(static_cast<int32_t>(biases.real() * 1e9f));
        residual = layer.residual == DType::u8 ? extreme_wholes(values, outputs, 0, 255) : values.reals(outputs);
    }
};

template <typename Op>
std::vector<float> run_layer(Device& device, const IntegerLayer& layer, const IntegerInputs& inputs, Op op) {
    Program program;
    const Shape per_channel{layer.k};
    op.x = put(device, program, layer.x_shape(), inputs.x, layer.x);
    op.w = put(device, program, layer.w_shape(), inputs.w, DType::i8);
    const Buffer y = device.create(layer.y_shape(), layer.y);
    op.y = program.bind(y);
    if (layer.w_zeros) op.w_zero = put(device, program, per_channel, inputs.w_zero, DType::i32);
    if (layer.bias) op.bias = program.bind(adaq::put(device, inputs.bias));
    op.x_zero = layer.x_zero;
    op.sums = layer.sums;
    op.epilogue.scale = put(device, program, per_channel, inputs.scale);
    op.epilogue.shift = put(device, program, per_channel, inputs.shift);
    if (layer.residual) {
        op.epilogue.residual = put(device, program, layer.y_shape(), inputs.residual, *layer.residual);
        if (layer.residual == DType::u8) {
            op.epilogue.residual_scale = layer.factor == 1.0f ? 0.007f : 1.0f;
            op.epilogue.summand = layer.summand;
            op.epilogue.residual_zero = 91;
            op.epilogue.factor = layer.factor;
        }
    }
    op.epilogue.activation = layer.activation;
    op.epilogue.quantiser = layer.quantiser;
    program.add(op);
    device.compile(program)->run(1);
    return values_of(device, y);
}

inline std::vector<float> run_layer(Device& device, const IntegerLayer& layer, const IntegerInputs& inputs) {
    if (layer.linear) return run_layer(device, layer, inputs, IntegerLinear{});
    IntegerConvolution op{};
    op.window = layer.other ? layer.other->window : ConvolutionWindow::square(layer.stride, layer.padding);
    return run_layer(device, layer, inputs, op);
}

/// Shapes at which tiles, copies and splits have ends: few and many channels, those that 16 does not divide, kernels of
/// 1 ... 7, strides, padding, more outputs than a tile has.
inline std::vector<IntegerLayer> layers_of_all_shapes() {
    std::vector<IntegerLayer> layers;
    layers.push_back({.n = 1, .h = 5, .w = 7, .c = 16, .k = 8});
    layers.push_back({.n = 2, .h = 9, .w = 9, .c = 64, .k = 72});
    layers.push_back({.n = 2, .h = 13, .w = 12, .c = 64, .k = 40, .r = 3, .padding = 1});  // the CPU's Winograd
    layers.push_back({.n = 2, .h = 7, .w = 6, .c = 32, .k = 24, .r = 3, .stride = 2, .padding = 1});
    layers.push_back({.n = 1, .h = 13, .w = 15, .c = 3, .k = 64, .r = 7, .stride = 2, .padding = 3});
    layers.push_back({.n = 1, .h = 6, .w = 5, .c = 20, .k = 9, .r = 3, .padding = 1});
    layers.push_back({.n = 1, .h = 3, .w = 2, .c = 160, .k = 130, .r = 3, .padding = 1});
    layers.push_back({.n = 1, .h = 2, .w = 2, .c = 512, .k = 16, .r = 3, .padding = 1});
    layers.push_back({.n = 1, .h = 11, .w = 13, .c = 16, .k = 1, .r = 2, .stride = 3});
    layers.push_back({.n = 3, .h = 1, .w = 1, .c = 1, .k = 3, .r = 5, .padding = 2});
    layers.push_back({.n = 5, .c = 48, .k = 10, .linear = true});
    layers.push_back({.n = 3, .c = 37, .k = 33, .linear = true});
    return layers;
}

}  // namespace adaq::test
