// What happens to a sum before it is written, and the way back through it.
#include <algorithm>

#include "kernels/reference/interpreter.h"

namespace adaq::reference {

Quantiser Interpreter::resolve(const OutputQuantiser& q) { return {q.grid, *at(q.scale), q.zero_point}; }

void Interpreter::quantise(TensorId y, const OutputQuantiser& q) {
    const Quantiser quantiser = resolve(q);
    double* values = at(y);
    const uint32_t t = q.dropping ? iteration(q.dropping->state) : 0;
    for (int64_t i = 0; i < count(y); ++i) {
        if (q.dropping && !kept(q.dropping->stream, t, static_cast<uint64_t>(i), keep_threshold(q.dropping->keep)))
            continue;
        values[i] = q.codes ? quantiser.centred(values[i]) : quantiser(values[i]);
    }
}

void Interpreter::finish(TensorId y, const Epilogue& e) {
    double* values = at(y);
    const double *scale = at(e.scale), *shift = at(e.shift), *residual = at(e.residual);
    const int64_t channels = shape(y).back();
    for (int64_t i = 0; i < count(y); ++i) {
        const int64_t c = i % channels;
        if (scale) values[i] *= scale[c];
        if (shift) values[i] += shift[c];
        if (residual) values[i] += e.residual_scale * residual[i];
        values[i] = e.activation(values[i]);
    }
    if (e.saved != kNone) std::copy_n(values, count(y), at(e.saved));
    if (e.quantiser) quantise(y, *e.quantiser);
}

void Interpreter::pass_back(TensorId dx, TensorId addend, const ActivationGradient& activation) {
    double* g = at(dx);
    const double *other = at(addend), *v = at(activation.value);
    const auto& q = activation.quantiser;
    const uint32_t t = q && q->dropping ? iteration(q->dropping->state) : 0;
    double by_scale = 0.0;
    for (int64_t i = 0; i < count(dx); ++i) {
        if (other) g[i] += other[i];
        const bool passed_on =
            q && q->dropping &&
            !kept(q->dropping->stream, t, static_cast<uint64_t>(i), keep_threshold(q->dropping->keep));
        if (q && !passed_on) {
            const Quantiser::Gradient gradient = resolve(*q).gradient(v[i]);
            by_scale += g[i] * gradient.by_scale;
            g[i] *= gradient.by_x;
        }
        if (activation.activation && !activation.activation.passes(v[i])) g[i] = 0.0;
    }
    if (activation.scale_gradient != kNone)
        *at(activation.scale_gradient) = by_scale * activation.scale_gradient_factor;
}

}  // namespace adaq::reference
