// Work and sums over fixed pieces of a tensor: the pieces, and the order in which their sums are added, depend on the
// number of elements alone.
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

namespace adaq::cpu {

/// Elements at a time: a few operands of it fit the first-level cache. A multiple of kElementsOfBlock
/// (engine/random.h).
inline constexpr int64_t kPiece = 2048;

inline int64_t pieces_of(int64_t count) { return (count + kPiece - 1) / kPiece; }

/// work(first, count) for every piece, on all threads.
template <typename Work>
void for_pieces(int64_t count, const Work& work) {
#pragma omp parallel for schedule(static)
    for (int64_t piece = 0; piece < pieces_of(count); ++piece)
        work(piece * kPiece, std::min(kPiece, count - piece * kPiece));
}

/// The sum of x[n]: every eighth element by itself, then those eight sums, so that it vectorises.
inline double sum_of(const float* x, int64_t n) {
    constexpr int64_t kSums = 8;
    double sums[kSums] = {};
    const int64_t whole = n / kSums * kSums;
    for (int64_t i = 0; i < whole; i += kSums)  // the analyser does not see that callers fill all that is summed
        for (int64_t j = 0; j < kSums; ++j) sums[j] += static_cast<double>(x[i + j]);  // NOLINT(*uninitialized.Assign)
    return std::accumulate(x + whole, x + n, std::accumulate(sums, sums + kSums, 0.0));
}

/// The sum of work(first, count) over all pieces.
template <typename Work>
double sum_pieces(int64_t count, const Work& work) {
    std::vector<double> sums(pieces_of(count));
    for_pieces(count, [&](int64_t first, int64_t n) { sums[first / kPiece] = work(first, n); });
    return std::accumulate(sums.begin(), sums.end(), 0.0);
}

}  // namespace adaq::cpu
