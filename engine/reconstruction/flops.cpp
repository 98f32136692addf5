// See flops.h.
#include "engine/reconstruction/flops.h"

namespace adaq {
namespace {

/// Each product is a sum of outputs x (weights of one output channel) multiply-adds: dy has the outputs' shape, dw the
/// weights'.
struct Products {
    const Program& program;

    int64_t of(TensorId outputs, TensorId weights) const {
        const Shape& w = program.shape(weights);
        return 2 * element_count(program.shape(outputs)) * (element_count(w) / w[0]);
    }
    int64_t operator()(const Convolution& op) const { return of(op.y, op.w); }
    int64_t operator()(const Linear& op) const { return of(op.y, op.w); }
    int64_t operator()(const ConvolutionToData& op) const { return of(op.dy, op.w); }
    int64_t operator()(const LinearToData& op) const { return of(op.dy, op.w); }
    int64_t operator()(const ConvolutionToWeights& op) const { return of(op.dy, op.dw); }
    int64_t operator()(const LinearToWeights& op) const { return of(op.dy, op.dw); }
    template <typename Other>
    int64_t operator()(const Other&) const {
        return 0;
    }
};

}  // namespace

int64_t product_flops(const Program& program) {
    int64_t flops = 0;
    for (const Operation& operation : program.operations()) flops += std::visit(Products{program}, operation);
    return flops;
}

}  // namespace adaq
