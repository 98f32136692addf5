// Convolution with its batch norm or bias: y = relu(a[k] * conv(x, W)[k] + b[k] + residual), then the site's quantiser.
#include "engine/emitter.h"

namespace adaq {

void emit_convolution(Emitter& emitter, const Node& node, ValueId output, const Emitter::Value* residual, bool relu) {
    const Layer& layer = emitter.layer(node);
    const Emitter::Value x = emitter.value(node.inputs[0]);
    const Emitter::Output y = emitter.produce(output);
    Convolution op{x.id,        emitter.weight(layer), y.id,
                   node.stride, node.padding,          emitter.scale_and_shift(layer, x.scale)};
    if (residual) {
        op.epilogue.residual = residual->id;
        op.epilogue.residual_scale = residual->scale;
    }
    op.epilogue.relu = relu;
    op.epilogue.quantiser = y.quantiser;
    emitter.add(op);
}

}  // namespace adaq
