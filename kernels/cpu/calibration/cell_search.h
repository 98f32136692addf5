// Range search of one large group with many candidates (activations: up to hundreds of millions of elements, thousands
// of candidates). Candidates are scored on cells (cells.h), to a relative error that is bounded as it goes and kept
// below 1e-6; those that come out within that of the best are scored again element by element. Cost of a candidate:
// about 40 operations a cell and 60 an element of the few per cent in divided cells.
#pragma once

#include <cstdint>
#include <span>

#include "engine/program/device.h"

namespace adaq::cpu {

/// x: the elements of group `group` of the search. Finite. The result does not depend on the number of threads.
BestRange cell_search(std::span<const float> x, int64_t group, const RangeSearch& search);

}  // namespace adaq::cpu
