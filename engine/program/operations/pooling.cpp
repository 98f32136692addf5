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

void AveragePool::check(const Checker& c) const {
    c.same(y, pooled(c.shape(x, 4, "average pool x"), window), "average pool y");
    const DType type = c.type(x, {DType::f32, DType::u8}, "average pool x");
    c.type(y, {DType::f32}, "average pool y");
    require(x_zero >= 0 && x_zero <= (type == DType::u8 ? 255 : 0), "average pool: a zero of {}", x_zero);
    require(!steps || type == DType::u8, "average pool: steps of values");
}

void AveragePoolGradient::check(const Checker& c) const {
    c.same(dy, pooled(c.shape(dx, 4, "average pool dx"), window), "average pool dy");
}

void GlobalAveragePool::check(const Checker& c) const {
    c.pooled_whole(y, c.shape(x, 4, "global average pool x"), "global average pool y");
}

void GlobalAveragePoolGradient::check(const Checker& c) const {
    c.pooled_whole(dy, c.shape(dx, 4, "global average pool dx"), "global average pool dy");
}

}  // namespace adaq
