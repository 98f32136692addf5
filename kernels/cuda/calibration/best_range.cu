// Range search: which of many candidate ranges loses least. Every candidate is scored on every element.
// Cost: about 30 flops (a division, a power) and one double addition for each element and candidate; each element is
// read once for 128 candidates. Bound by arithmetic. A block takes 128 candidates, a thread each, and a piece of a
// group, which passes through shared memory; pieces are added up in order by a second kernel, which finds the best.
#include <algorithm>
#include <limits>

#include "engine/error.h"
#include "engine/grid.h"
#include "kernels/cuda/calibration/calibration.h"
#include "kernels/cuda/platform.h"

namespace adaq::cuda {
namespace {

constexpr int kThreads = 128;
constexpr int kTile = 1024;                          // elements in shared memory at a time
constexpr int64_t kPiece = 4 * kTile;                // elements of a block, at least
constexpr int64_t kScoreBytes = int64_t{128} << 20;  // for scores of pieces

struct SearchArguments {
    const float *lo, *hi;  // [groups][candidates]
    int64_t candidates;
    Grid grid;
    bool zero_centred;
    float p;
};

__device__ inline float error_power(float error, float p) {
    const float size = fabsf(error);
    return p == 2.0f ? size * size : powf(size, p);
}

/// scores[(group * pieces + piece) * candidates + candidate]; grid: candidates / 128, pieces, groups.
__global__ void score_kernel(Groups g, SearchArguments s, int64_t first_group, int64_t pieces, int64_t piece_elements,
                             double* scores) {
    SharedMemory shared;
    auto* tile = shared.take<float>(kTile);
    const int64_t candidate = int64_t{blockIdx.x} * kThreads + threadIdx.x, piece = blockIdx.y, group = blockIdx.z;
    const bool active = inside(candidate, s.candidates);
    const int64_t range = (first_group + group) * s.candidates + candidate;
    ScaleZero q = active ? scale_zero_of_range(s.lo[range], s.hi[range], s.grid) : ScaleZero{};
    if (s.zero_centred) q.zero_point = 0.0f;
    const float qmin = s.grid.qmin(), qmax = s.grid.qmax();
    const float* x = g.x + (first_group + group) * g.elements;
    const int64_t first = piece * piece_elements, end = min(first + piece_elements, g.elements);
    double sum = 0.0;
    for (int64_t start = first; start < end; start += kTile) {
        const int count = static_cast<int>(min(end - start, int64_t{kTile}));
        for (int i = static_cast<int>(threadIdx.x); inside(i, count); i += kThreads) tile[i] = x[start + i];
        __syncthreads();
        if (active) {
            for (int i = 0; i < count; ++i) {
                const float v = tile[i];
                sum += static_cast<double>(error_power(fake_quantise(v, q.scale, q.zero_point, qmin, qmax) - v, s.p));
            }
        }
        __syncthreads();
    }
    if (active) scores[(group * pieces + piece) * s.candidates + candidate] = sum;
}

/// The first candidate of the smallest score. What is not a number is never smaller.
struct Best {
    double score;
    int64_t candidate;

    __device__ void offer(double other_score, int64_t other_candidate) {
        const bool better = other_score < score || (other_score == score && other_candidate < candidate);
        score = better ? other_score : score;
        candidate = better ? other_candidate : candidate;
    }
};

/// Adds up `pieces` scores of each candidate; a block a group.
__global__ void best_kernel(const double* scores, int64_t pieces, int64_t candidates, BestRange* best) {
    SharedMemory shared;
    auto* of_thread = shared.take<Best>(kThreads);
    const double* of_group = scores + blockIdx.x * pieces * candidates;
    Best mine{INFINITY, 0};
    for (int64_t c = threadIdx.x; inside(c, candidates); c += kThreads) {
        double sum = 0.0;
        for (int64_t piece = 0; piece < pieces; ++piece) sum += of_group[piece * candidates + c];
        mine.offer(sum, c);
    }
    of_thread[threadIdx.x] = mine;
    __syncthreads();
    if (threadIdx.x != 0) return;
    for (int i = 1; i < kThreads; ++i) mine.offer(of_thread[i].score, of_thread[i].candidate);
    best[blockIdx.x].candidate = mine.candidate;
    best[blockIdx.x].score = mine.score;
}

}  // namespace

std::vector<BestRange> best_range(const Groups& x, const RangeSearch& search, const Queue& queue) {
    require(search.candidates > 0 && std::ssize(search.lo) == x.groups * search.candidates &&
                search.hi.size() == search.lo.size(),
            "best_range: {} lower and {} upper ends for {} groups of {} candidates", search.lo.size(), search.hi.size(),
            x.groups, search.candidates);
    const DeviceMemory lo = on_device(search.lo, queue), hi = on_device(search.hi, queue);
    const SearchArguments arguments{lo.as<float>(), hi.as<float>(),      search.candidates,
                                    search.grid,    search.zero_centred, static_cast<float>(search.p)};
    const int64_t candidate_bytes = search.candidates * static_cast<int64_t>(sizeof(double));
    // Joint searches need the scores of all groups at once; others go through in batches of groups.
    const int64_t room = std::max<int64_t>(kScoreBytes / candidate_bytes, 1);
    const int64_t batch = search.joint ? x.groups : std::clamp<int64_t>(room, 1, std::min<int64_t>(x.groups, 65535));
    require(batch <= 65535, "best_range: {} groups together", batch);
    const int64_t wanted =
        std::clamp<int64_t>(ceil_div(x.elements, kPiece), 1, std::clamp<int64_t>(room / batch, 1, 1024));
    const int64_t piece_elements = ceil_div(x.elements, wanted), pieces = ceil_div(x.elements, piece_elements);
    const DeviceMemory scores(batch * pieces * candidate_bytes), best(batch * sizeof(BestRange));
    std::vector<BestRange> result;
    for (int64_t first = 0; first < x.groups; first += batch) {
        const int64_t groups = std::min(batch, x.groups - first), answers = search.joint ? 1 : groups;
        const dim3 grid(blocks_along_x(ceil_div(search.candidates, kThreads)), blocks_along_yz(pieces),
                        blocks_along_yz(groups));
        launch(score_kernel, grid, dim3(kThreads), shared_bytes<float>(kTile), queue.get(), x, arguments, first, pieces,
               piece_elements, scores.as<double>());
        launch(best_kernel, dim3(blocks_along_x(answers)), dim3(kThreads), shared_bytes<Best>(kThreads), queue.get(),
               scores.as<double>(), pieces * groups / answers, search.candidates, best.as<BestRange>());
        const auto of_batch = on_host<BestRange>(best, answers, queue);
        result.insert(result.end(), of_batch.begin(), of_batch.end());
    }
    return search.joint ? std::vector<BestRange>(x.groups, result[0]) : result;
}

}  // namespace adaq::cuda
