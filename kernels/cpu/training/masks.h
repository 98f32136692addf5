// Random masks (engine/random.h) for pieces of a tensor.
#pragma once

#include <cstdint>

#include "engine/program/operations.h"
#include "kernels/cpu/compiled_operation.h"

namespace adaq::cpu {

/// Which elements a mask keeps, in the iteration that runs.
struct Mask {
    Stream stream;
    uint32_t iteration, threshold;

    Mask(const Stream& s, float keep, TensorId state, const View& view)
        : stream(s), iteration(static_cast<uint32_t>(view.at(state)[kIteration])), threshold(keep_threshold(keep)) {}
    explicit Mask(const Dropping& d, const View& view) : Mask(d.stream, d.keep, d.state, view) {}

    /// kept[i] = 1 where element first + i is kept, else 0. first is a multiple of kElementsOfBlock, count at most
    /// kPiece (pieces.h); kept has room for count rounded up to that multiple.
    void fill(int64_t first, int64_t count, float* kept) const;
};

/// y[i] = kept[i] > 0 ? a[i] : b[i]; y may be a or b.
void choose(const float* kept, const float* a, const float* b, int64_t n, float* y);

}  // namespace adaq::cpu
