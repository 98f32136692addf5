// Checks of losses.
#include "engine/program/operations/losses.h"

#include "engine/program/checker.h"

namespace adaq {

void SquaredError::check(const Checker& c) const {
    const Shape& batch = c.shape(y, 0, "squared error y");
    c.cache(target, indices, batch, "squared error target");
    if (weight != kNone) c.same(weight, c.shape(target, 0, "squared error target"), "squared error weight");
    require(exponent >= 1.0, "squared error: exponent {}", exponent);
    c.same(dy, batch, "squared error dy");
    c.same(loss, {1}, "squared error loss");
}

void KlDivergence::check(const Checker& c) const {
    const Shape& batch = c.shape(logits, 2, "KL logits");
    c.cache(target, indices, batch, "KL target");
    require(temperature > 0.0, "KL: temperature {}", temperature);
    c.same(dlogits, batch, "KL dlogits");
    c.same(loss, {1}, "KL loss");
}

}  // namespace adaq
