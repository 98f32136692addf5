// How a 3x3 convolution's maps fall into Winograd's tiles of 4x4 outputs, and the reading of their inputs.
#pragma once

#include <algorithm>

#include "engine/program/operations/window.h"
#include "engine/tensor.h"
#include "kernels/cpu/winograd_transform.h"

namespace adaq::cpu::winograd {

inline constexpr int64_t kFewestChannels = 32;           // below, transforms cost more than they save
inline constexpr int64_t kFewestTiles = 16;              // rows of the matrix products: fewer wait for the weights
inline constexpr int64_t kFewestTilesOfNewWeights = 64;  // fewer do not pay for transforming weights in every run
inline constexpr int64_t kMostWeights = int64_t{36} * 512 * 512;     // transformed, 38 MB: more take too much memory
inline constexpr int64_t kMostNewWeights = int64_t{36} * 256 * 256;  // in every run: more leave the last-level cache

struct Tiling {
    int64_t images, h, w, c, k;    // 3x3, stride 1, padding 1: maps keep their size
    int64_t rows, columns;         // of tiles, on a map
    int64_t total, blocks, block;  // tiles: in all images, and of each of `blocks` blocks (the last may have fewer)

    /// x [N,H,W,C], weight [K,3,3,C]; at most so many tiles a block.
    Tiling(const Shape& x, const Shape& weight, int64_t images_at_a_time, int64_t most_of_a_block)
        : images(images_at_a_time),
          h(x[1]),
          w(x[2]),
          c(x[3]),
          k(weight[0]),
          rows((h + kOutputs - 1) / kOutputs),
          columns((w + kOutputs - 1) / kOutputs),
          total(images * rows * columns),
          blocks((total + most_of_a_block - 1) / most_of_a_block),
          block((total + blocks - 1) / blocks) {}

    /// 36 products a tile against 9 an output; they come with transforms, and must be clearly fewer. new_weights:
    /// weights (or their gradient) are transformed in every run.
    bool gains(bool new_weights) const {
        const bool fewer = int64_t{2} * kPoints * rows * columns <= 9 * h * w;
        const bool channels = c % kLanes == 0 && k % kLanes == 0 && std::min(c, k) >= kFewestChannels;
        return fewer && channels && total >= (new_weights ? kFewestTilesOfNewWeights : kFewestTiles) &&
               kPoints * c * k <= (new_weights ? kMostNewWeights : kMostWeights);
    }

    /// Where a tile begins on its map.
    struct Corner {
        int64_t image, row, column;
    };
    Corner corner(int64_t tile) const {
        const int64_t of_a_map = rows * columns, on_map = tile % of_a_map;
        return {tile / of_a_map, on_map / columns * kOutputs, on_map % columns * kOutputs};
    }
    int64_t position(int64_t image, int64_t row, int64_t column) const { return (image * h + row) * w + column; }
};

/// Whether a convolution (or a gradient of one) with this weight is 3x3, of stride 1, and keeps its maps' size.
template <typename Op>
bool fits(const Op& op, const Shape& weight) {
    return weight[1] == 3 && weight[2] == 3 && op.window == ConvolutionWindow::square(1, 1);
}

/// A map's values: float32 as they are, or as bf16 rounds them (stored so, or yet to be rounded).
struct Operand {
    const float* values;
    bool rounded = false, stored_half = false;
};

/// v[36][tiles][C] of tiles [first, first + tiles) of x, v_point floats from a point to the next; zeros [C]. On all
/// threads.
void read_tiles(const Tiling& tiling, Operand x, const float* zeros, int64_t first, int64_t tiles, float* v,
                int64_t v_point);

/// u[36][tiles][K] of their gradients in dy [N,H,W,K]; zeros [K].
void read_gradients(const Tiling& tiling, Operand dy, const float* zeros, int64_t first, int64_t tiles, float* u,
                    int64_t u_point);

}  // namespace adaq::cpu::winograd
