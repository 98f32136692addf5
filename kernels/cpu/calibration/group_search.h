// Range search of one group with many candidates, by two methods.
#pragma once

#include <cstdint>
#include <span>

#include "engine/program/device.h"

namespace adaq::cpu {

/// For a group of moderate size (`orgnorm` on the channels of a weight: 25,600 candidates). The elements are sorted
/// once and summed from both ends inwards, where clipping costs most; a candidate is dropped as soon as its partial sum
/// exceeds the best score so far. The answer is that of the exhaustive search.
/// x: the elements of group `group` of the search. No NaN. parallel: threads share out the candidates.
BestRange sorted_search(std::span<const float> x, int64_t group, bool parallel, const RangeSearch& search);

/// For a large group (activations: up to hundreds of millions of elements, thousands of candidates). Candidates are
/// scored on cells (cells.h), to a relative error that is bounded as it goes and kept below 1e-6; those that come out
/// within that of the best are scored again element by element. Cost of a candidate: about 40 operations a cell and 60
/// an element of the few per cent in divided cells.
/// x: the elements of group `group` of the search. Finite. The result does not depend on the number of threads.
BestRange cell_search(std::span<const float> x, int64_t group, const RangeSearch& search);

}  // namespace adaq::cpu
