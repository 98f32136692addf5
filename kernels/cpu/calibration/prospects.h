// A first look at every candidate of a group, before any of them is scored: its scale and zero point, a lower bound of
// its score, and a guess of it. Searches score the best guesses first and never look at a candidate whose bound is too
// high.
//   bound  the error of the group's smallest and largest element: what clipping costs at least
//   guess  bound + N * s^p / ((p + 1) 2^p): plus what rounding costs elements spread evenly over their bins
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "engine/program/device.h"
#include "kernels/cpu/calibration/error_sum.h"

namespace adaq::cpu {

struct Prospects {
    std::vector<float> scale, zero_point;  // [candidates]
    std::vector<double> bound, guess;      // [candidates]
    Grid grid;

    Quantiser quantiser(int64_t candidate) const;
};

/// Of one group's candidates, whose elements lie in `extremes`.
Prospects prospects_of(const RangeSearch& search, int64_t group, MinMax extremes, int64_t elements);

/// The score of a candidate, or anything above `limit` as soon as it is certain to exceed it. Called from several
/// threads.
using Score = std::function<double(int64_t candidate, double limit)>;

/// All candidates whose score is at most the smallest one times 1 + margin, in no particular order. parallel: threads
/// share out the candidates, worth it where a score takes microseconds.
std::vector<BestRange> contenders(const Prospects& prospects, double margin, bool parallel, const Score& score);

/// The smallest score; of equals the first candidate.
BestRange first_smallest(std::span<const BestRange> scored);

}  // namespace adaq::cpu
