#include "kernels/cpu/winograd_tiling.h"

namespace adaq::cpu::winograd {
namespace {

/// A square of positions of a map with so many channels, from (row, column) on; those outside point to zeros.
template <int kEdge>
void point_to(const Tiling& t, const float* map, int64_t channels, const float* zeros, Tiling::Corner from,
              const float* (&d)[kEdge][kEdge]) {
    for (int p = 0; p < kEdge; ++p) {
        for (int q = 0; q < kEdge; ++q) {
            const int64_t row = from.row + p, column = from.column + q;
            const bool inside = row >= 0 && row < t.h && column >= 0 && column < t.w;
            d[p][q] = inside ? map + t.position(from.image, row, column) * channels : zeros;
        }
    }
}

}  // namespace

void read_tiles(const Tiling& tiling, const float* x, const float* zeros, int64_t first, int64_t tiles, float* v) {
#pragma omp parallel for schedule(static)
    for (int64_t t = 0; t < tiles; ++t) {
        const Tiling::Corner at = tiling.corner(first + t);
        const float* d[kInputs][kInputs];
        point_to(tiling, x, tiling.c, zeros, {at.image, at.row - 1, at.column - 1}, d);  // padding 1
        transform_input(d, tiling.c, tiling.block, t, v);
    }
}

void read_gradients(const Tiling& tiling, const float* dy, const float* zeros, int64_t first, int64_t tiles, float* u) {
#pragma omp parallel for schedule(static)
    for (int64_t t = 0; t < tiles; ++t) {
        const float* d[kOutputs][kOutputs];
        point_to(tiling, dy, tiling.k, zeros, tiling.corner(first + t), d);
        transform_gradient(d, tiling.k, tiling.block, t, u);
    }
}

}  // namespace adaq::cpu::winograd
