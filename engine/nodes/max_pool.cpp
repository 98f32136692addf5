// Max pooling. It commutes with a quantiser of positive scale, so codes are pooled as they are.
#include "engine/emitter.h"

namespace adaq {

void emit_max_pool(Emitter& emitter, const Node& node, ValueId output) {
    const Emitter::Value x = emitter.value(node.inputs[0]);
    emitter.add(
        MaxPool{x.id, emitter.produce_scaled_as(output, node.inputs[0]), node.kernel, node.stride, node.padding});
}

}  // namespace adaq
