// The network's input, where it is quantised (`--input-bits`).
#include "engine/emitter.h"

namespace adaq {

void emit_image(Emitter& emitter, TensorId image) {
    const Emitter::Output y = emitter.produce(kImage);
    emitter.add(FakeQuantise{image, y.id, *y.quantiser});
}

}  // namespace adaq
