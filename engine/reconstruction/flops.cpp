// See flops.h.
#include "engine/reconstruction/flops.h"

namespace adaq {

/// Each product is a sum of outputs x (weights of one output channel) multiply-adds.
int64_t product_flops(const Program& program) {
    int64_t flops = 0;
    for (const Operation& operation : program.operations()) {
        const std::optional<ProductTensors> product = product_of(operation);
        if (!product) continue;
        const Shape& w = program.shape(product->weights);
        flops += 2 * element_count(program.shape(product->outputs)) * (element_count(w) / w[0]);
    }
    return flops;
}

}  // namespace adaq
