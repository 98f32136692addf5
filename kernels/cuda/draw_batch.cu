// Which images an iteration learns from: drawn without replacement by Floyd's algorithm (Bentley and Floyd, "A sample
// of brilliance", CACM 1987).
// Cost: a batch is some dozens of numbers. One warp; each lane compares a draw with every 32nd taken before it.
#include "kernels/cuda/compiled_operation.h"
#include "kernels/cuda/platform.h"

namespace adaq::cuda {
namespace {

struct DrawArguments {
    float* indices;
    const float* state;
    int64_t batch, population;
    bool replacement;
    Stream stream;
};

__global__ void draw_kernel(DrawArguments a) {
    const int lane = static_cast<int>(threadIdx.x);
    const auto iteration = static_cast<uint32_t>(a.state[kIteration]);
    for (int64_t i = 0; i < a.batch; ++i) {
        const int64_t last = a.replacement ? a.population - 1 : a.population - a.batch + i;
        const auto drawn = static_cast<float>(
            random_below(a.stream, iteration, static_cast<uint64_t>(i), static_cast<uint32_t>(last + 1)));
        bool found = false;
        for (int64_t j = lane; inside(j, i); j += kWarp) found = found || a.indices[j] == drawn;
        const bool taken = __any_sync(kAllLanes, found) && !a.replacement;
        if (lane == 0) a.indices[i] = taken ? static_cast<float>(last) : drawn;
        __syncwarp();
    }
}

}  // namespace

CompiledOperation compile_operation(const Context& context, const DrawBatch& op) {
    const DrawArguments arguments{context.at(op.indices), context.at(op.state), context.count(op.indices),
                                  op.population,          op.replacement,       op.stream};
    return {0, [=](cudaStream_t stream, void*) { launch(draw_kernel, dim3(1), dim3(kWarp), 0, stream, arguments); }};
}

}  // namespace adaq::cuda
