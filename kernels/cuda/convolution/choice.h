// Which tile a product is computed with, and among how many blocks its sum over k is split. A rule that knows the
// product's size and the card alone, never a measurement within a run: the same card gives the same bits.
#pragma once

#include <cstdint>

#include "kernels/cuda/card.h"

namespace adaq::cuda {

struct Product {
    int64_t rows, columns, total;
    int planes = 1;  // products side by side
};

enum class TileSize { large, tall, small };  // 128 x 128, 128 x 64, 64 x 64

struct Choice {
    TileSize tile = TileSize::small;
    int splits = 1;
};

/// Into how many blocks a sum over `k_tiles` is split so that `blocks` of them fill the card.
int choose_splits(int64_t blocks, int64_t k_tiles, int64_t output_elements, const Card& card);

/// k_tile: how much of k a stage holds.
Choice choose(const Product& product, int k_tile, const Card& card);

}  // namespace adaq::cuda
