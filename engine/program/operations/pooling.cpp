// Checks of pooling.
#include "engine/program/operations/pooling.h"

#include "engine/program/checker.h"

namespace adaq {
namespace {

template <typename Op>
Shape pooled(const Shape& x, const Op& op) {
    require(op.stride >= 1 && op.padding >= 0 && op.kernel > op.padding, "max pool: kernel {}, stride {}, padding {}",
            op.kernel, op.stride, op.padding);
    return {x[0], Checker::positions(x[1], op.kernel, op.stride, op.padding),
            Checker::positions(x[2], op.kernel, op.stride, op.padding), x[3]};
}

}  // namespace

void MaxPool::check(const Checker& c) const {
    c.same(y, pooled(c.shape(x, 4, "max pool x"), *this), "max pool y");
    const DType type = c.type(x, {DType::f32, DType::bf16, DType::u8}, "max pool x");
    require(type != DType::u8 || c.type(y, {DType::u8}, "max pool y") == type, "max pool: of codes into values");
}

void MaxPoolGradient::check(const Checker& c) const {
    const Shape& in = c.shape(x, 4, "max pool x");
    c.same(dy, pooled(in, *this), "max pool dy");
    c.same(dx, in, "max pool dx");
}

void GlobalAveragePool::check(const Checker& c) const {
    const Shape& in = c.shape(x, 4, "global average pool x");
    c.same(y, {in[0], in[3]}, "global average pool y");
}

void GlobalAveragePoolGradient::check(const Checker& c) const {
    const Shape& in = c.shape(dx, 4, "global average pool dx");
    c.same(c.shape(dy, 2, "global average pool dy"), {in[0], in[3]}, "global average pool dy");
}

}  // namespace adaq
