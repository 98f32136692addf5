// Checks of what operations have in common (checker.h).
#include "engine/program/operations/epilogue.h"

#include "engine/program/checker.h"

namespace adaq {

void Checker::quantiser(const OutputQuantiser& q) const {
    require(element_count(shape(q.scale, 0, "quantiser scale")) == 1, "a quantiser has one scale");
    if (!q.dropping) return;
    require(!q.codes, "dropped elements cannot be codes");
    probability(q.dropping->keep);
    stream(q.dropping->stream);
    state(q.dropping->state);
}

void Checker::epilogue(const Epilogue& e, TensorId output, const Shape& expected) const {
    for (TensorId per_channel : {e.scale, e.shift}) {
        if (per_channel == kNone) continue;
        const int64_t values = shape(per_channel, 1, "epilogue")[0];
        require(values == expected.back(), "epilogue: {} values for {} channels", values, expected.back());
    }
    if (e.residual != kNone) same(e.residual, expected, "residual");
    if (e.quantiser) quantiser(*e.quantiser);
    if (e.saved != kNone) same(e.saved, expected, "saved value");
    same(output, expected, "output");
}

void Checker::gradient(TensorId dx, TensorId addend, const ActivationGradient& a) const {
    const Shape& expected = shape(dx, 0, "dx");
    if (addend != kNone) same(addend, expected, "addend");
    require(a.value != kNone || (!a.activation && !a.quantiser), "activation gradient: no saved value");
    if (a.value != kNone) same(a.value, expected, "saved value");
    if (a.quantiser) quantiser(*a.quantiser);
    require(!a.quantiser || !a.quantiser->codes, "activation gradient: of codes");
    require(a.scale_gradient == kNone || a.quantiser, "activation gradient: a scale's without a quantiser");
    if (a.scale_gradient != kNone) same(a.scale_gradient, {1}, "scale gradient");
}

}  // namespace adaq
