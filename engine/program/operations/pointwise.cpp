// Checks of pointwise operations.
#include "engine/program/operations/pointwise.h"

#include "engine/program/checker.h"

namespace adaq {

void Addition::check(const Checker& c) const {
    const Shape& terms = c.shape(a, 0, "add a");
    c.same(b, terms, "add b");
    if (quantiser) c.quantiser(*quantiser);
    if (saved != kNone) c.same(saved, terms, "add, saved value");
    c.same(y, terms, "add y");
}

void ActivationBackward::check(const Checker& c) const {
    c.same(dy, c.shape(dx, 0, "activation dx"), "activation dy");
    c.gradient(dx, addend, activation);
}

void FakeQuantise::check(const Checker& c) const {
    c.quantiser(quantiser);
    c.same(y, c.shape(x, 0, "fake quantise x"), "fake quantise y");
}

}  // namespace adaq
