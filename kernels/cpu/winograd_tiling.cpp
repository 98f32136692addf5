#include "kernels/cpu/winograd_tiling.h"

#include <vector>

#include "kernels/cpu/bf16_rows.h"

namespace adaq::cpu::winograd {
namespace {

/// The values of a square of positions, kEdge a side, of a map with so many channels; a thread has one of its own.
template <int kEdge>
class Square {
  public:
    Square(const Tiling& tiling, Operand map, int64_t channels, const float* zeros)
        : tiling_(tiling),
          map_(map),
          channels_(channels),
          zeros_(zeros),
          copies_(map.rounded ? int64_t{kEdge} * kEdge * channels : 0) {}

    /// From (row, column) on; those outside the map point to zeros.
    const float* const (&at(Tiling::Corner from))[kEdge][kEdge] {
        float* copy = copies_.data();
        for (int p = 0; p < kEdge; ++p) {
            for (int q = 0; q < kEdge; ++q) {
                const int64_t row = from.row + p, column = from.column + q;
                const bool inside = row >= 0 && row < tiling_.h && column >= 0 && column < tiling_.w;
                const int64_t first = tiling_.position(from.image, row, column) * channels_;
                places_[p][q] = !inside ? zeros_ : map_.rounded ? rounded(first, copy) : map_.values + first;
            }
        }
        return places_;
    }

  private:
    const float* rounded(int64_t first, float*& copy) const {
        rounded_row(map_.values, map_.stored_half, first, channels_, copy);
        copy += channels_;
        return copy - channels_;
    }

    const Tiling& tiling_;
    Operand map_;
    int64_t channels_;
    const float* zeros_;
    std::vector<float> copies_;
    const float* places_[kEdge][kEdge] = {};
};

}  // namespace

void read_tiles(const Tiling& tiling, Operand x, const float* zeros, int64_t first, int64_t tiles, float* v,
                int64_t v_point) {
#pragma omp parallel
    {
        Square<kInputs> square(tiling, x, tiling.c, zeros);
#pragma omp for schedule(static)
        for (int64_t t = 0; t < tiles; ++t) {
            const Tiling::Corner at = tiling.corner(first + t);
            const Tiling::Corner with_padding{at.image, at.row - 1, at.column - 1};
            transform_input(square.at(with_padding), tiling.c, v + t * tiling.c, v_point);
        }
    }
}

void read_gradients(const Tiling& tiling, Operand dy, const float* zeros, int64_t first, int64_t tiles, float* u,
                    int64_t u_point) {
#pragma omp parallel
    {
        Square<kOutputs> square(tiling, dy, tiling.k, zeros);
#pragma omp for schedule(static)
        for (int64_t t = 0; t < tiles; ++t)
            transform_gradient(square.at(tiling.corner(first + t)), tiling.k, u + t * tiling.k, u_point);
    }
}

}  // namespace adaq::cpu::winograd
