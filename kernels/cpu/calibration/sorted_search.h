// Range search of a group of moderate size with many candidates (`orgnorm` on the channels of a weight: 25,600
// candidates). The elements are sorted once and summed from both ends inwards, where clipping costs most; a candidate
// is dropped as soon as its partial sum exceeds the best score so far. The answer is that of the exhaustive search.
#pragma once

#include <cstdint>
#include <span>

#include "engine/program/device.h"

namespace adaq::cpu {

/// x: the elements of group `group` of the search. No NaN. parallel: threads share out the candidates.
BestRange sorted_search(std::span<const float> x, int64_t group, bool parallel, const RangeSearch& search);

}  // namespace adaq::cpu
