// Global average pooling: a mean of codes is multiplied by their scale here, and goes on as a plain value.
#include "engine/emitter.h"

namespace adaq {

void emit_global_average_pool(Emitter& emitter, const Node& node, ValueId output) {
    const Emitter::Value x = emitter.value(node.inputs[0]);
    emitter.add(GlobalAveragePool{x.id, emitter.produce(output).id, x.scale});
}

}  // namespace adaq
