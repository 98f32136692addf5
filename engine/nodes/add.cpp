// The end of a block: y = relu(last convolution + shortcut), then the site's quantiser. A convolution that nothing
// stands behind but this addition takes it into its epilogue.
#include "engine/emitter.h"

namespace adaq {

void emit_add(Emitter& emitter, const Node& node, ValueId output) {
    const Emitter::Value shortcut = emitter.value(node.inputs[1]);
    if (const Node* convolution = emitter.postponed(node.inputs[0])) {
        emit_convolution(emitter, *convolution, output, &shortcut, true);
        return;
    }
    const Emitter::Value x = emitter.value(node.inputs[0]);
    const Emitter::Output y = emitter.produce(output);
    emitter.add(AddRelu{x.id, shortcut.id, y.id, x.scale, shortcut.scale, y.quantiser});
}

}  // namespace adaq
