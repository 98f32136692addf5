// Checks of pooling.
#include "engine/program/operations/pooling.h"

#include "engine/program/checker.h"

namespace adaq {
namespace {

/// No window is padding alone.
void reaches_the_map(const WindowAxis& axis) {
    require(axis.kernel > axis.before && axis.kernel > axis.after, "pool: a window of {} with padding {} and {}",
            axis.kernel, axis.before, axis.after);
}

Shape pooled(const Shape& x, const PoolingWindow& window) {
    reaches_the_map(window.rows());
    reaches_the_map(window.columns());
    return {x[0], Checker::positions(x[1], window.rows()), Checker::positions(x[2], window.columns()), x[3]};
}

}  // namespace

void MaxPool::check(const Checker& c) const {
    c.same(y, pooled(c.shape(x, 4, "max pool x"), window), "max pool y");
    const DType type = c.type(x, {DType::f32, DType::bf16, DType::u8}, "max pool x");
    require(type != DType::u8 || c.type(y, {DType::u8}, "max pool y") == type, "max pool: of codes into values");
}

void MaxPoolGradient::check(const Checker& c) const {
    const Shape& in = c.shape(x, 4, "max pool x");
    c.same(dy, pooled(in, window), "max pool dy");
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
