// Which product an operation is, with which tile: convolutions and fully connected layers in three directions.
#include "kernels/cuda/arguments.h"
#include "kernels/cuda/convolution/products.h"
#include "kernels/cuda/sm90a/forward.h"

namespace adaq::cuda {
namespace {

Choice choice_for(const Context& context, const Product& product) {
    return context.choice ? *context.choice : choose(product, k_tile(context.math), context.card);
}

Step forward(const Context& context, const Operands& operands, const ForwardFinish& finish) {
    switch (context.math) {
        case Math::tf32:
            if (context.wgmma && operands.vectors) return forward_step_wgmma(operands, finish, context.card);
            return forward_step<Math::tf32>(operands, finish);
        case Math::bf16:
            return forward_step<Math::bf16>(operands, finish);
        case Math::f32:
            break;
    }
    return forward_step<Math::f32>(operands, finish);
}

Step to_data(const Context& context, Operands operands, const ToDataFinish& finish) {
    operands.choice = choice_for(context, to_data_product(operands.sizes));
    switch (context.math) {
        case Math::tf32:
            return to_data_step<Math::tf32>(operands, finish);
        case Math::bf16:
            return to_data_step<Math::bf16>(operands, finish);
        case Math::f32:
            break;
    }
    return to_data_step<Math::f32>(operands, finish);
}

Step to_weights(const Context& context, Operands operands, const ToWeightsFinish& finish) {
    operands.choice = choice_for(context, to_weights_product(operands.sizes));
    switch (context.math) {
        case Math::tf32:
            return to_weights_step<Math::tf32>(operands, finish);
        case Math::bf16:
            return to_weights_step<Math::bf16>(operands, finish);
        case Math::f32:
            break;
    }
    return to_weights_step<Math::f32>(operands, finish);
}

/// The sum's order depends on the number of inputs alone, not on the batch: its splits as well.
int linear_splits(int64_t inputs) {
    constexpr int64_t kInputsOfSplit = 256;
    return static_cast<int>(std::clamp<int64_t>(inputs / kInputsOfSplit, 1, 8));
}

}  // namespace

Step make_step(const Context& context, const Convolution& op) {
    Operands operands(
        context.at(op.x), context.at(op.w),
        convolution_sizes(context.shape(op.x), context.shape(op.w), context.shape(op.y), op.stride, op.padding));
    operands.choice = choice_for(context, forward_product(operands.sizes));
    return forward(context, operands, {context.at(op.y), arguments_of(context, op.epilogue)});
}

Step make_step(const Context& context, const Linear& op) {
    Operands operands(context.at(op.x), context.at(op.w), linear_sizes(context.shape(op.x), context.shape(op.w)));
    operands.choice = {TileSize::small, linear_splits(operands.sizes.c)};
    return forward(context, operands, {context.at(op.y), arguments_of(context, op.epilogue)});
}

Step make_step(const Context& context, const ConvolutionToData& op) {
    const Operands operands(
        context.at(op.dy), context.at(op.w),
        convolution_sizes(context.shape(op.dx), context.shape(op.w), context.shape(op.dy), op.stride, op.padding));
    return to_data(context, operands, {context.at(op.dx), context.at(op.addend), arguments_of(context, op.activation)});
}

Step make_step(const Context& context, const LinearToData& op) {
    const Operands operands(context.at(op.dy), context.at(op.w),
                            linear_sizes(context.shape(op.dx), context.shape(op.w)));
    return to_data(context, operands, {context.at(op.dx), context.at(op.addend), arguments_of(context, op.activation)});
}

Step make_step(const Context& context, const ConvolutionToWeights& op) {
    const Operands operands(
        context.at(op.dy), context.at(op.x),
        convolution_sizes(context.shape(op.x), context.shape(op.dw), context.shape(op.dy), op.stride, op.padding));
    return to_weights(context, operands, {context.at(op.dw)});
}

Step make_step(const Context& context, const LinearToWeights& op) {
    const Operands operands(context.at(op.dy), context.at(op.x),
                            linear_sizes(context.shape(op.x), context.shape(op.dw)));
    return to_weights(context, operands, {context.at(op.dw)});
}

}  // namespace adaq::cuda
