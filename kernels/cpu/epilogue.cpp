#include "kernels/cpu/epilogue.h"

namespace adaq::cpu {

QuantiserValues resolve_quantiser(const OutputQuantiser& q, const View& view) {
    const float scale = *view.at(q.scale);
    return {scale, q.zero_point, q.grid.qmin(), q.grid.qmax(), q.codes ? 1.0f : scale};
}

void finish_epilogue(const Epilogue& epilogue, const View& view, int64_t count, const float* sums, Target y) {
    if (y.values() && epilogue.residual == kNone && !epilogue.relu && !epilogue.quantiser) return;
    Pointwise work{sums, view.at(epilogue.residual), 1.0f, epilogue.residual_scale, epilogue.relu, std::nullopt};
    if (epilogue.quantiser) work.quantiser = resolve_quantiser(*epilogue.quantiser, view);
    pointwise(work, count, y);
}

}  // namespace adaq::cpu
