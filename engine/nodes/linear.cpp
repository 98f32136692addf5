// The fully connected layer: logits = W x + b, then the site's quantiser.
#include "engine/emitter.h"

namespace adaq {

void emit_linear(Emitter& emitter, const Node& node, ValueId output) {
    const Layer& layer = emitter.layer(node);
    const Emitter::Value x = emitter.value(node.inputs[0]);
    const Emitter::Output y = emitter.produce(output);
    Linear op{x.id, emitter.weight(layer), y.id, emitter.scale_and_shift(layer, x.scale)};
    op.epilogue.quantiser = y.quantiser;
    emitter.add(op);
}

}  // namespace adaq
