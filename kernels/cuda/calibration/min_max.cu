// Smallest and largest value of each group.
// Cost: 4 B read an element, once. Memory bound. Blocks share out the pieces of all groups; each reduces its piece, the
// host the pieces of a group (a few hundred pairs).
#include <algorithm>
#include <limits>

#include "kernels/cuda/calibration/calibration.h"
#include "kernels/cuda/platform.h"
#include "kernels/cuda/reduce.h"

namespace adaq::cuda {
namespace {

constexpr int kExtremesThreads = 256;
constexpr int64_t kExtremesPiece = 1 << 14;  // elements of a block, at least
constexpr int64_t kMostPieces = 1024;

struct Merge {
    __device__ __host__ float2 operator()(float2 a, float2 b) const {
        if (a.x != a.x || b.x != b.x) return {NAN, NAN};
        return {a.x < b.x ? a.x : b.x, a.y > b.y ? a.y : b.y};
    }
};

__device__ inline float2 merged_with_lane(float2 value, int distance) {
    return Merge()(
        value, float2{__shfl_xor_sync(kAllLanes, value.x, distance), __shfl_xor_sync(kAllLanes, value.y, distance)});
}

__global__ void min_max_kernel(Groups g, int64_t pieces, int64_t piece_elements, float2* result) {
    SharedMemory shared;
    auto* scratch = shared.take<float2>(kExtremesThreads / kWarp);
    const int64_t group = blockIdx.x / pieces, piece = blockIdx.x % pieces;
    const int64_t first = piece * piece_elements, end = min(first + piece_elements, g.elements);
    const float* x = g.x + group * g.elements;
    float2 value{INFINITY, -INFINITY};
    for (int64_t i = first + threadIdx.x; inside(i, end); i += kExtremesThreads)
        value = Merge()(value, float2{x[i], x[i]});
    for (int distance = kWarp / 2; distance > 0; distance /= 2) value = merged_with_lane(value, distance);
    const int warp = static_cast<int>(threadIdx.x) / kWarp;
    if (threadIdx.x % kWarp == 0) scratch[warp] = value;
    __syncthreads();
    if (threadIdx.x != 0) return;
    for (int i = 1; i < kExtremesThreads / kWarp; ++i) value = Merge()(value, scratch[i]);
    result[blockIdx.x] = value;
}

}  // namespace

std::vector<MinMax> min_max(const Groups& x, const Queue& queue) {
    const int64_t wanted = std::clamp<int64_t>(ceil_div(x.elements, kExtremesPiece), 1, kMostPieces);
    const int64_t piece_elements = ceil_div(x.elements, wanted), pieces = ceil_div(x.elements, piece_elements);
    const dim3 grid(blocks_along_x(x.groups * pieces));
    const size_t blocks = grid.x;
    const DeviceMemory memory(blocks * sizeof(float2));
    launch(min_max_kernel, grid, dim3(kExtremesThreads), shared_bytes<float2>(kExtremesThreads / kWarp), queue.get(), x,
           pieces, piece_elements, memory.as<float2>());
    const auto of_piece = on_host<float2>(memory, blocks, queue);
    std::vector<MinMax> result;
    for (size_t i = 0; i < blocks; ++i) {
        const float2 part = of_piece[i];
        if (i % pieces == 0) {
            result.push_back({part.x, part.y});
        } else {
            const float2 merged = Merge()(float2{result.back().min, result.back().max}, part);
            result.back() = {merged.x, merged.y};
        }
    }
    return result;
}

}  // namespace adaq::cuda
