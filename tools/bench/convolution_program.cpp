// See convolution_program.h.
#include "tools/bench/convolution_program.h"

#include <cmath>

namespace adaq {
namespace {

Shape batched(Shape shape, int batch) {
    shape.insert(shape.begin(), batch);
    return shape;
}

}  // namespace

Storage bf16_on_a_card(const Shape& w) {
    constexpr int64_t kElementsOfACopy = 8;
    const bool whole_copies = w.back() % kElementsOfACopy == 0 && w.front() % kElementsOfACopy == 0;
    return {whole_copies ? DType::bf16 : DType::f32, DType::bf16};
}

Program ConvolutionPrograms::make(const ConvolutionCase& shape, int batch, Direction direction, Storage storage) {
    Program program;
    const Shape x = batched(shape.x, batch), y = batched(shape.y, batch);
    if (storage.operands == DType::u8) {
        add_codes(program, shape, batch);
    } else if (direction == Direction::forward) {
        add_forward(program, shape, batch, storage);
    } else if (direction == Direction::data) {
        program.add(ConvolutionToData{program.bind(random_buffer(y, storage.operands)),
                                      program.bind(random_buffer(shape.w)),
                                      program.bind(device_.create(x, storage.results)), shape.window});
    } else {
        program.add(ConvolutionToWeights{program.bind(random_buffer(x, storage.operands)),
                                         program.bind(random_buffer(y, storage.operands)),
                                         program.bind(device_.create(shape.w)), shape.window});
    }
    return program;
}

void ConvolutionPrograms::add_forward(Program& program, const ConvolutionCase& shape, int batch, Storage storage) {
    Convolution op{program.bind(random_buffer(batched(shape.x, batch), storage.operands)),
                   program.bind(random_buffer(shape.w)),
                   program.bind(device_.create(batched(shape.y, batch), storage.results)),
                   shape.window,
                   {}};
    op.epilogue.shift = program.bind(random_buffer({shape.w[0]}));
    op.epilogue.activation = Activation::relu();
    program.add(op);
}

void ConvolutionPrograms::add_codes(Program& program, const ConvolutionCase& shape, int batch) {
    IntegerConvolution op{{program.bind(random_codes(batched(shape.x, batch), DType::u8, 0, 255)),
                           program.bind(random_codes(shape.w, DType::i8, -127, 127)),
                           program.bind(device_.create(batched(shape.y, batch), DType::u8))}};
    op.window = shape.window;
    // Sums come to codes around the middle.
    const int64_t terms = element_count(shape.w) / shape.w[0];
    const Buffer scale = device_.create({shape.w[0]});
    device_.upload(
        *scale, std::vector<float>(static_cast<size_t>(shape.w[0]),
                                   static_cast<float>(1.0 / (128.0 * 74.0 * std::sqrt(static_cast<double>(terms))))));
    op.epilogue.scale = program.bind(scale);
    op.epilogue.shift = program.bind(random_buffer({shape.w[0]}));
    op.epilogue.activation = Activation::relu();
    op.epilogue.quantiser = CodeQuantiser{0.01f, 0.0f, {8, true}};
    program.add(op);
}

Buffer ConvolutionPrograms::random_codes(const Shape& shape, DType dtype, int lowest, int highest) {
    std::vector<float> values(static_cast<size_t>(element_count(shape)));
    std::uniform_int_distribution<int> uniform(lowest, highest);
    for (float& value : values) value = static_cast<float>(uniform(random_));
    const Buffer buffer = device_.create(shape, dtype);
    device_.upload(*buffer, values);
    return buffer;
}

Buffer ConvolutionPrograms::random_buffer(const Shape& shape, DType dtype) {
    std::vector<float> values(element_count(shape));
    std::uniform_real_distribution<float> uniform(-1.0f, 1.0f);
    for (float& value : values) value = uniform(random_);
    const Buffer buffer = device_.create(shape, dtype);
    device_.upload(*buffer, values);
    return buffer;
}

}  // namespace adaq
