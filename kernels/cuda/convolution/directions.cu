// Which product an operation is, with which tile: convolutions and fully connected layers in three directions.
#include "kernels/cuda/arguments.h"
#include "kernels/cuda/convolution/halves.h"
#include "kernels/cuda/convolution/products.h"

namespace adaq::cuda {
namespace {

void choose_for(const Context& context, const Product& product, Operands& operands) {
    operands.choice =
        context.choice ? *context.choice : choose(product, k_tile(context.math, operands.vectors), context.card);
}

Operand operand_of(const Context& context, TensorId id) {
    return {context.at(id), context.count(id), context.program.is_bf16(id)};
}

CompiledOperation forward(const Context& context, const Operands& operands, const ForwardFinish& finish) {
    switch (context.math) {
        case Math::tf32:
            if (context.wgmma && operands.vectors) return compile_forward_wgmma(operands, finish, context.card);
            return compile_forward<Math::tf32>(operands, finish);
        case Math::bf16:
            return of_halves(operands, finish, compile_forward<Math::bf16>);
        case Math::f32:
            break;
    }
    return compile_forward<Math::f32>(operands, finish);
}

CompiledOperation to_data(const Context& context, Operands operands, const ToDataFinish& finish) {
    choose_for(context, to_data_product(operands.sizes), operands);
    switch (context.math) {
        case Math::tf32:
            return compile_to_data<Math::tf32>(operands, finish);
        case Math::bf16:
            return of_halves(operands, finish, compile_to_data<Math::bf16>);
        case Math::f32:
            break;
    }
    return compile_to_data<Math::f32>(operands, finish);
}

CompiledOperation to_weights(const Context& context, Operands operands, const ToWeightsFinish& finish) {
    choose_for(context, to_weights_product(operands.sizes), operands);
    switch (context.math) {
        case Math::tf32:
            return compile_to_weights<Math::tf32>(operands, finish);
        case Math::bf16:
            return of_halves(operands, finish, compile_to_weights<Math::bf16>);
        case Math::f32:
            break;
    }
    return compile_to_weights<Math::f32>(operands, finish);
}

/// The sum's order depends on the number of inputs alone, not on the batch: its splits as well.
int linear_splits(int64_t inputs) {
    constexpr int64_t kInputsOfSplit = 256;
    return static_cast<int>(std::clamp<int64_t>(inputs / kInputsOfSplit, 1, 8));
}

}  // namespace

CompiledOperation compile_operation(const Context& context, const Convolution& op) {
    Operands operands(
        operand_of(context, op.x), operand_of(context, op.w),
        convolution_sizes(context.shape(op.x), context.shape(op.w), context.shape(op.y), op.stride, op.padding),
        context.math);
    choose_for(context, forward_product(operands.sizes), operands);
    return forward(context, operands, {target_of(context, op.y), arguments_of(context, op.epilogue)});
}

CompiledOperation compile_operation(const Context& context, const Linear& op) {
    Operands operands(operand_of(context, op.x), operand_of(context, op.w),
                      linear_sizes(context.shape(op.x), context.shape(op.w)), context.math);
    operands.choice = {TileSize::small, linear_splits(operands.sizes.c)};
    return forward(context, operands, {target_of(context, op.y), arguments_of(context, op.epilogue)});
}

CompiledOperation compile_operation(const Context& context, const ConvolutionToData& op) {
    const Operands operands(
        operand_of(context, op.dy), operand_of(context, op.w),
        convolution_sizes(context.shape(op.dx), context.shape(op.w), context.shape(op.dy), op.stride, op.padding),
        context.math);
    return to_data(context, operands,
                   {target_of(context, op.dx), context.at(op.addend), arguments_of(context, op.activation)});
}

CompiledOperation compile_operation(const Context& context, const LinearToData& op) {
    const Operands operands(operand_of(context, op.dy), operand_of(context, op.w),
                            linear_sizes(context.shape(op.dx), context.shape(op.w)), context.math);
    return to_data(context, operands,
                   {target_of(context, op.dx), context.at(op.addend), arguments_of(context, op.activation)});
}

CompiledOperation compile_operation(const Context& context, const ConvolutionToWeights& op) {
    const Operands operands(
        operand_of(context, op.dy), operand_of(context, op.x),
        convolution_sizes(context.shape(op.x), context.shape(op.dw), context.shape(op.dy), op.stride, op.padding),
        context.math);
    return to_weights(context, operands, {context.at(op.dw)});
}

CompiledOperation compile_operation(const Context& context, const LinearToWeights& op) {
    const Operands operands(operand_of(context, op.dy), operand_of(context, op.x),
                            linear_sizes(context.shape(op.x), context.shape(op.dw)), context.math);
    return to_weights(context, operands, {context.at(op.dw)});
}

}  // namespace adaq::cuda
