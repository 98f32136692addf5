// Fake quantisation with a scale of each channel (the first extent), both ways.
#include "kernels/reference/interpreter.h"

namespace adaq::reference {

void Interpreter::operator()(const FakeQuantiseChannels& op) {
    const int64_t elements = count(op.x) / shape(op.x)[0];
    for (int64_t i = 0; i < count(op.x); ++i) {
        const int64_t k = i / elements;
        at(op.y)[i] = Quantiser{op.grid, at(op.scale)[k], at(op.zero_point)[k]}(at(op.x)[i]);
    }
}

void Interpreter::operator()(const FakeQuantiseChannelsGradient& op) {
    const int64_t elements = count(op.x) / shape(op.x)[0];
    for (int64_t k = 0; k < shape(op.x)[0]; ++k) {
        const Quantiser quantiser{op.grid, at(op.scale)[k], at(op.zero_point)[k]};
        double by_scale = 0;
        for (int64_t i = k * elements; i < (k + 1) * elements; ++i) {
            const Quantiser::Gradient gradient = quantiser.gradient(at(op.x)[i]);
            by_scale += at(op.dy)[i] * gradient.by_scale;
            at(op.dx)[i] = at(op.dy)[i] * gradient.by_x;
        }
        at(op.scale_gradient)[k] = by_scale;
    }
}

}  // namespace adaq::reference
