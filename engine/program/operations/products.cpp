// Checks of products.
#include "engine/program/operations/products.h"

#include "engine/program/checker.h"

namespace adaq {
namespace {

Shape multiplied(const Shape& x, const Shape& w) {
    const int64_t features = Checker::features(x, "linear x");
    require(features == w[1], "linear: x has {} features, w {}", features, w[1]);
    return {x[0], w[0]};
}

}  // namespace

void Convolution::check(const Checker& c) const {
    c.epilogue(epilogue, y, Checker::convolved(c.shape(x, 4, "convolution x"), c.shape(w, 4, "convolution w"), window));
}

void ConvolutionToData::check(const Checker& c) const {
    c.same(dy, Checker::convolved(c.shape(dx, 4, "convolution dx"), c.shape(w, 4, "convolution w"), window),
           "convolution dy");
    c.gradient(dx, addend, activation.value_or(ActivationGradient{}));
}

void ConvolutionToWeights::check(const Checker& c) const {
    c.same(dy, Checker::convolved(c.shape(x, 4, "convolution x"), c.shape(dw, 4, "convolution dw"), window),
           "convolution dy");
}

void Linear::check(const Checker& c) const {
    c.epilogue(epilogue, y, multiplied(c.shape(x, 0, "linear x"), c.shape(w, 2, "linear w")));
}

void LinearToData::check(const Checker& c) const {
    c.same(dy, multiplied(c.shape(dx, 0, "linear dx"), c.shape(w, 2, "linear w")), "linear dy");
    c.gradient(dx, addend, activation.value_or(ActivationGradient{}));
}

void LinearToWeights::check(const Checker& c) const {
    c.same(dy, multiplied(c.shape(x, 0, "linear x"), c.shape(dw, 2, "linear dw")), "linear dy");
}

}  // namespace adaq
