// The matrix product behind convolutions and fully connected layers in all three directions: an implicit GEMM, whose
// operands are gathered from maps and weights as they are.
// Work: a block computes T::M x T::N sums; its k runs through shared memory T::K at a time, copied in the background
// T::kStages - 1 ahead of the products, with one barrier a stage. Bytes from device memory: (1 / M + 1 / N) * 4 (2
// where operands are bf16) for each product, of which neighbours in the grid share one operand through the L2 cache;
// flops: 2 a product. Where there are fewer tiles than the card has room for, k is split among blocks; parts are added
// up in order.
//
// A `Problem` (GemmProblem, and forward.h, to_data.h, to_weights.h) is what the kernel takes. Its place() tells what a
// block works on: rows and total (k) of the product, the loaders, and where a row lies in the output. Sums are those of
// its Multiplier: float32, or int32 of codes (kernels/cuda/integer).
#pragma once

#include <algorithm>
#include <type_traits>

#include "kernels/cuda/compiled_operation.h"
#include "kernels/cuda/convolution/finish.h"
#include "kernels/cuda/convolution/fma.h"
#include "kernels/cuda/convolution/operands.h"
#include "kernels/cuda/convolution/tensor_cores.h"

namespace adaq::cuda {

/// Of a product whose operands come by these loaders.
template <Math math, typename T, typename A, typename B, typename LayoutA = typename A::Layout,
          typename LayoutB = typename B::Layout>
using MultiplierFor = std::conditional_t<math == Math::f32, FmaMultiplier<T, LayoutA, LayoutB>,
                                         TensorMultiplier<math, T, LayoutA, LayoutB>>;

/// How tiles are numbered: those of one row of tiles side by side, so that they share operand A's rows in the cache.
struct TileGrid {
    int columns = 1;  // tiles along N
    int splits = 1;

    __device__ int row() const { return static_cast<int>(blockIdx.x) / columns; }
    __device__ int column() const { return static_cast<int>(blockIdx.x) % columns; }
    __device__ int split() const { return static_cast<int>(blockIdx.y); }
};

/// Shared memory of a block: the stages, and later the finished sums of one row of warps.
template <typename Problem>
struct SharedPlan {
    using T = typename Problem::Tile;
    static constexpr int kStage = Problem::LoaderA::Layout::kFloats + Problem::LoaderB::Layout::kFloats;
    static constexpr int kPitch = T::N + 8;  // 8 rows of 4 pairs meet all banks
    static constexpr int kFloats = std::max(T::kStages * kStage, T::kWarpM* kPitch);
    static constexpr int kRows = Problem::kWindowRows ? T::M : 1;
    static constexpr int kWarps = T::kThreads / kWarp;
    static constexpr size_t kBytes =
        shared_bytes<float>(kFloats) + shared_bytes<PixelRow>(kRows) + shared_bytes<double>(kWarps);
};

/// Stages of operands from device memory, multiplied as they come.
template <typename Problem, typename Multiplier>
__device__ inline void run_pipeline(const typename Problem::LoaderA& a, const typename Problem::LoaderB& b,
                                    float* stages, int first_tile, int tiles, Multiplier& multiplier) {
    using T = typename Problem::Tile;
    using ElementA = typename Problem::LoaderA::Element;
    using ElementB = typename Problem::LoaderB::Element;
    constexpr int kStage = SharedPlan<Problem>::kStage, kA = Problem::LoaderA::Layout::kFloats;
    constexpr bool kInBackground = Multiplier::kInBackground;  // products run while the next copies are started
    const auto fetch = [&](int tile) {
        if (tile < tiles) {
            float* const stage = stages + tile % T::kStages * kStage;
            a.load(reinterpret_cast<ElementA*>(stage), (first_tile + tile) * T::K);
            b.load(reinterpret_cast<ElementB*>(stage + kA), (first_tile + tile) * T::K);
        }
        cp_async_commit();  // an empty group as well, so that the count below is right
    };
    for (int tile = 0; tile < T::kStages - 1; ++tile) fetch(tile);
    for (int tile = 0; tile < tiles; ++tile) {
        cp_async_wait<T::kStages - 2>();
        if constexpr (kInBackground) Multiplier::after_copies();
        __syncthreads();  // everyone's copies of this tile are there, and the stage to be filled next has been used
        const float* const stage = stages + tile % T::kStages * kStage;
        const auto* const stage_a = reinterpret_cast<const ElementA*>(stage);
        const auto* const stage_b = reinterpret_cast<const ElementB*>(stage + kA);
        if constexpr (kInBackground) {
            multiplier.start(stage_a, stage_b);
            fetch(tile + T::kStages - 1);
            multiplier.wait();
        } else {
            fetch(tile + T::kStages - 1);
            multiplier.multiply(stage_a, stage_b);
        }
    }
    __syncthreads();  // the stages may be used for other things; no copy is under way, for the last groups are empty
}

/// The sums of one row of warps after the other through shared memory, so that each thread finishes runs of neighbours
/// in a row. Returns this thread's part of the sum that Finish returns.
template <int Count, typename Problem, typename Place, typename Multiplier>
__device__ inline float finish_tile(const Problem& problem, const Place& place, const Multiplier& multiplier,
                                    float* staged) {
    using T = typename Problem::Tile;
    constexpr int kPitch = SharedPlan<Problem>::kPitch, kRuns = T::N / Count;
    using Sum = typename Multiplier::Sum;
    static_assert(sizeof(Sum) == sizeof(float));
    auto* const sums = reinterpret_cast<Sum*>(staged);
    const auto finish = problem.finish.load();
    float sum = 0.0f;
    for (int warp_row = 0; warp_row < T::kWarpsM; ++warp_row) {
        if (Multiplier::warp_m() == warp_row) multiplier.store(sums, kPitch);
        __syncthreads();
#pragma unroll 1
        for (int i = static_cast<int>(threadIdx.x); i < T::kWarpM * kRuns; i += T::kThreads) {
            const int line = i / kRuns, column = problem.grid.column() * T::N + i % kRuns * Count;
            const int row = problem.grid.row() * T::M + warp_row * T::kWarpM + line;
            if (!inside(row, place.rows) || !inside(column, problem.columns)) continue;
            Sum v[Count];
            load_run<Count>(v, sums + line * kPitch + i % kRuns * Count);
            const int64_t index = place.offset(row) + column;
            if (problem.parts) {
                store_run<Count>(problem.parts + problem.grid.split() * problem.count + index, v);
            } else {
                sum += finish.template run<Count>(v, index, column);
            }
        }
        __syncthreads();
    }
    return sum;
}

/// kBlocks: how many are to fit a multiprocessor at the least, which limits registers.
template <typename Problem>
__global__ void __launch_bounds__(Problem::Tile::kThreads, Problem::Multiplier::kBlocks)
    gemm_kernel(Problem problem, double* partials) {
    if constexpr (Problem::Multiplier::kCompiled) {
        using T = typename Problem::Tile;
        using Plan = SharedPlan<Problem>;
        SharedMemory shared;
        auto* memory = shared.take<float>(Plan::kFloats);
        auto* rows = shared.take<PixelRow>(Plan::kRows);
        auto* scratch = shared.take<double>(Plan::kWarps);
        const auto place = problem.place();
        const int first_row = problem.grid.row() * T::M;
        if constexpr (Problem::kWindowRows) {
            for (int i = static_cast<int>(threadIdx.x); i < T::M; i += T::kThreads)
                rows[i] = place.pixel_row(first_row + i);
            __syncthreads();
        }
        const int tiles = static_cast<int>(ceil_div(place.total, T::K));
        const int split = problem.grid.split(), splits = problem.grid.splits;
        const int begin = static_cast<int>(int64_t{tiles} * split / splits),
                  end = static_cast<int>(int64_t{tiles} * (split + 1) / splits);
        typename Problem::Multiplier multiplier;
        run_pipeline<Problem>(place.loader_a(rows, first_row), place.loader_b(problem.grid.column() * T::N), memory,
                              begin, end - begin, multiplier);
        const float sum = problem.in_runs ? finish_tile<kRun>(problem, place, multiplier, memory)
                                          : finish_tile<1>(problem, place, multiplier, memory);
        if (Problem::Finish::kSums && partials) {
            const double total = block_reduce(static_cast<double>(sum), scratch);
            if (threadIdx.x == 0) partials[int64_t{blockIdx.z} * gridDim.x + blockIdx.x] = total;
        }
    }
}

/// What all problems share. a, b: the operands, of the loaders' elements.
template <typename T, typename A, typename B, typename F, typename M>
struct GemmProblem {
    using Tile = T;
    using LoaderA = A;
    using LoaderB = B;
    using Finish = F;
    using Multiplier = M;
    using Sum = typename M::Sum;

    const typename A::Element* a = nullptr;
    const typename B::Element* b = nullptr;
    TileGrid grid;
    int columns = 0;       // of the product
    int64_t count = 0;     // of the output's elements
    Sum* parts = nullptr;  // [splits][count] where k is split
    bool in_runs = false;  // the output is finished 8 elements at a time
    F finish;
};

/// The launches of a product of `rows` x `problem.columns`, of which there are `planes` (blockIdx.z).
template <typename Problem>
CompiledOperation compile_gemm(Problem problem, int64_t rows, int planes, int splits) {
    using T = typename Problem::Tile;
    using Finish = typename Problem::Finish;
    using Sum = typename Problem::Sum;
    problem.grid = {static_cast<int>(ceil_div(problem.columns, T::N)), splits};
    problem.in_runs = problem.columns % kRun == 0 && problem.finish.aligned();
    const unsigned tiles = blocks_along_x(ceil_div(rows, T::M) * problem.grid.columns);
    const dim3 blocks(tiles, blocks_along_yz(splits), blocks_along_yz(planes));
    const ElementRuns runs(problem.count, problem.in_runs ? kRun : 1, {});
    const size_t part_bytes = splits > 1 ? splits * problem.count * sizeof(float) : 0;
    const size_t parts_end = (part_bytes + alignof(double) - 1) / alignof(double) * alignof(double);
    const bool sums = Finish::kSums && problem.finish.scale_gradient() != nullptr;
    const int64_t partial_count = splits > 1 ? runs.blocks() : int64_t{tiles} * planes;
    const size_t scratch_bytes = parts_end + (sums ? partial_count * sizeof(double) : 0);
    return {scratch_bytes, [=](cudaStream_t stream, void* scratch) mutable {
                auto* partials = reinterpret_cast<double*>(static_cast<unsigned char*>(scratch) + parts_end);
                if (splits > 1) problem.parts = static_cast<Sum*>(scratch);
                launch(gemm_kernel<Problem>, blocks, dim3(T::kThreads), SharedPlan<Problem>::kBytes, stream, problem,
                       splits == 1 && sums ? partials : nullptr);
                const float factor = problem.finish.scale_gradient_factor();
                if (splits > 1) {
                    const SplitSumWork<Finish, Sum> work{problem.parts, splits, problem.count,
                                                         FastDivide(problem.columns), problem.finish};
                    if constexpr (Finish::kSums) {
                        if (sums) {
                            sum_runs(runs, work, stream, partials, factor, problem.finish.scale_gradient());
                            return;
                        }
                    }
                    for_each_run(runs, work, stream);
                } else if (sums) {
                    sum_partials(partials, partial_count, factor, problem.finish.scale_gradient(), stream);
                }
            }};
}

}  // namespace adaq::cuda
