// Checks of batch norms and the statistics' loss.
#include "engine/program/operations/norms.h"

#include "engine/program/checker.h"

namespace adaq {

void BatchNorm::check(const Checker& c) const {
    const Shape& in = c.shape(x, 0, "batch norm x");
    c.vectors({gamma, beta, running_mean, running_variance, mean, inverse_std}, in.back(), "batch norm, per channel");
    require(fixed || element_count(in) > in.back(), "batch norm: one value a channel has no variance");
    require(epilogue.scale == kNone && epilogue.shift == kNone, "batch norm: has its own scale and shift");
    c.epilogue(epilogue, y, in);
}

void BatchNormGradient::check(const Checker& c) const {
    const Shape& in = c.shape(x, 0, "batch norm x");
    c.same(dy, in, "batch norm dy");
    c.same(dx, in, "batch norm dx");
    c.vectors({gamma, mean, inverse_std}, in.back(), "batch norm, per channel");
}

void StatisticsLoss::check(const Checker& c) const {
    const Shape& in = c.shape(x, 4, "statistics x");
    c.vectors({mean, variance}, in[3], "statistics");
    if (through) {
        c.same(through->dy, in, "statistics dy");
        c.vectors({through->gamma, through->inverse_std}, in[3], "batch norm, per channel");
    }
    require(epsilon > 0.0, "statistics: epsilon {}", epsilon);  // a map of one value has a slope then
    c.same(dx, in, "statistics dx");
    c.same(loss, {1}, "statistics loss");
}

}  // namespace adaq
