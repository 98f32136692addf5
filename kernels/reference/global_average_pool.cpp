// Global average pooling both ways by its definition.
#include "kernels/reference/interpreter.h"

namespace adaq::reference {

void Interpreter::operator()(const GlobalAveragePool& op) {
    const Shape& in = shape(op.x);
    const int64_t positions = in[1] * in[2], channels = in[3];
    for (int64_t n = 0; n < in[0]; ++n) {
        for (int64_t c = 0; c < channels; ++c) {
            double sum = 0;
            for (int64_t i = 0; i < positions; ++i) sum += at(op.x)[(n * positions + i) * channels + c];
            at(op.y)[n * channels + c] = op.scale * sum / (op.sum ? 1.0 : static_cast<double>(positions));
        }
    }
}

void Interpreter::operator()(const GlobalAveragePoolGradient& op) {
    const Shape& in = shape(op.dx);
    const int64_t positions = in[1] * in[2], channels = in[3];
    for (int64_t i = 0; i < count(op.dx); ++i) {
        const int64_t n = i / (positions * channels), c = i % channels;
        at(op.dx)[i] = op.scale * at(op.dy)[n * channels + c] / static_cast<double>(positions);
    }
}

}  // namespace adaq::reference
