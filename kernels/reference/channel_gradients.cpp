// Gradients of what a whole channel has in common.
#include <algorithm>

#include "kernels/reference/interpreter.h"

namespace adaq::reference {

void Interpreter::operator()(const ChannelScaleGradient& op) {
    const int64_t channels = shape(op.w_hat)[0], elements = count(op.w_hat) / channels;
    for (int64_t k = 0; k < channels; ++k) {
        double sum = 0.0;
        for (int64_t i = k * elements; i < (k + 1) * elements; ++i) sum += at(op.w_hat)[i] * at(op.w_hat_gradient)[i];
        at(op.gradient)[k] = sum / at(op.factor)[k];
    }
}

void Interpreter::operator()(const ChannelShiftGradient& op) {
    const int64_t channels = shape(op.dy).back();
    std::fill_n(at(op.gradient), channels, 0.0);
    for (int64_t i = 0; i < count(op.dy); ++i) at(op.gradient)[i % channels] += at(op.dy)[i];
}

}  // namespace adaq::reference
