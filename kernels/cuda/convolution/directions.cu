// Which product an operation is, with which tile: convolutions and fully connected layers in three directions.
#include "kernels/cuda/arguments.h"
#include "kernels/cuda/convolution/grouped.h"
#include "kernels/cuda/convolution/halves.h"
#include "kernels/cuda/convolution/products.h"
#include "kernels/cuda/integer/plain.h"

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

/// Sums that are asked for bit by bit are of float32 alone.
Math math_of(const Context& context, Sums sums) { return sums == Sums::free ? context.math : Math::f32; }

MapSource map_of(const Context& context, TensorId id, Math math) {
    return {source_of(context, id), math == Math::bf16};
}

CompiledOperation forward_in_groups(const Context& context, const Convolution& op, const ConvolutionSizes& sizes,
                                    const ForwardFinish& finish) {
    if (op.sums == Sums::exact)
        return compile_plain(PlainProduct<float, float>(context.at(op.x), context.at(op.w), sizes, 0, nullptr), finish);
    const Math math = math_of(context, op.sums);
    return compile_grouped_forward(sizes, map_of(context, op.x, math),
                                   PlainWeights{context.at(op.w), math == Math::bf16}, finish);
}

/// By the ordinary cores, whose sums are in order where k is not split; around the map a product adds 0.
CompiledOperation forward_in_order(Operands operands, const ForwardFinish& finish) {
    operands.choice.splits = 1;
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
    const ConvolutionSizes sizes =
        convolution_sizes(context.shape(op.x), context.shape(op.w), context.shape(op.y), op.window);
    const ForwardFinish finish{target_of(context, op.y), arguments_of(context, op.epilogue)};
    if (op.window.groups > 1) return forward_in_groups(context, op, sizes, finish);
    Operands operands(operand_of(context, op.x), operand_of(context, op.w), sizes, math_of(context, op.sums));
    if (op.sums == Sums::exact) return compile_exact_forward(operands, finish);
    choose_for(context, forward_product(operands.sizes), operands);
    return op.sums == Sums::in_order ? forward_in_order(operands, finish) : forward(context, operands, finish);
}

CompiledOperation compile_operation(const Context& context, const Linear& op) {
    const ConvolutionSizes sizes = linear_sizes(context.shape(op.x), context.shape(op.w));
    const ForwardFinish finish{target_of(context, op.y), arguments_of(context, op.epilogue)};
    if (op.sums == Sums::exact)
        return compile_plain(PlainProduct<float, float>(context.at(op.x), context.at(op.w), sizes, 0, nullptr), finish);
    Operands operands(operand_of(context, op.x), operand_of(context, op.w), sizes, math_of(context, op.sums));
    operands.choice = {TileSize::small, linear_splits(operands.sizes.c)};
    return op.sums == Sums::in_order ? forward_in_order(operands, finish) : forward(context, operands, finish);
}

CompiledOperation compile_operation(const Context& context, const ConvolutionToData& op) {
    const ConvolutionSizes sizes =
        convolution_sizes(context.shape(op.dx), context.shape(op.w), context.shape(op.dy), op.window);
    const ToDataFinish finish{target_of(context, op.dx), context.at(op.addend), arguments_of(context, op.activation)};
    if (op.window.groups > 1)
        return compile_grouped_to_data(sizes, map_of(context, op.dy, context.math),
                                       {context.at(op.w), context.math == Math::bf16}, finish);
    return to_data(context, Operands(operand_of(context, op.dy), operand_of(context, op.w), sizes, context.math),
                   finish);
}

CompiledOperation compile_operation(const Context& context, const LinearToData& op) {
    const Operands operands(operand_of(context, op.dy), operand_of(context, op.w),
                            linear_sizes(context.shape(op.dx), context.shape(op.w)), context.math);
    return to_data(context, operands,
                   {target_of(context, op.dx), context.at(op.addend), arguments_of(context, op.activation)});
}

CompiledOperation compile_operation(const Context& context, const ConvolutionToWeights& op) {
    const ConvolutionSizes sizes =
        convolution_sizes(context.shape(op.x), context.shape(op.dw), context.shape(op.dy), op.window);
    if (op.window.groups > 1)
        return compile_grouped_to_weights(sizes, map_of(context, op.x, context.math),
                                          map_of(context, op.dy, context.math), context.at(op.dw));
    const Operands operands(operand_of(context, op.dy), operand_of(context, op.x), sizes, context.math);
    return to_weights(context, operands, {context.at(op.dw)});
}

CompiledOperation compile_operation(const Context& context, const LinearToWeights& op) {
    const Operands operands(operand_of(context, op.dy), operand_of(context, op.x),
                            linear_sizes(context.shape(op.x), context.shape(op.dw)), context.math);
    return to_weights(context, operands, {context.at(op.dw)});
}

}  // namespace adaq::cuda
