#include "kernels/cuda/convolution/choice.h"

#include <algorithm>
#include <array>

#include "kernels/cuda/platform.h"

namespace adaq::cuda {
namespace {

constexpr int64_t kLeastTilesOfSplit = 4;  // stages that a block must have to be worth its start
constexpr int64_t kMostSplits = 64;
constexpr int64_t kMostPartElements = int64_t{16} << 20;  // 64 MiB of parts

struct TileCost {
    TileSize size;
    int64_t rows, columns;
    int64_t resident;   // blocks on a multiprocessor
    double efficiency;  // of its products, beside the largest's: how often an operand is used again
    size_t shared;      // bytes it needs at most
};

constexpr std::array<TileCost, 3> kTiles{{{TileSize::large, 128, 128, 1, 1.0, 110 * 1024},
                                          {TileSize::tall, 128, 64, 3, 0.85, 80 * 1024},
                                          {TileSize::small, 64, 64, 4, 0.7, 56 * 1024}}};

}  // namespace

int choose_splits(int64_t blocks, int64_t k_tiles, int64_t output_elements, const Card& card) {
    const int64_t wanted = int64_t{2} * card.multiprocessors / std::max<int64_t>(blocks, 1);
    const int64_t most = std::min({kMostSplits, k_tiles / kLeastTilesOfSplit, kMostPartElements / output_elements});
    return static_cast<int>(std::max<int64_t>(std::min(wanted, most), 1));
}

Choice choose(const Product& p, int k_tile, const Card& card) {
    Choice best;
    double least = 0.0;
    for (const TileCost& tile : kTiles) {
        if (tile.shared > card.shared_bytes) continue;
        const int64_t blocks = ceil_div(p.rows, tile.rows) * ceil_div(p.columns, tile.columns) * p.planes;
        const int64_t k_tiles = ceil_div(p.total, k_tile);
        const int splits = choose_splits(blocks, k_tiles, p.rows * p.columns * p.planes, card);
        const int64_t waves = ceil_div(blocks * splits, card.multiprocessors * tile.resident);
        // A wave's blocks share a multiprocessor: its time grows with how many there are.
        const int64_t together = std::min<int64_t>(ceil_div(blocks * splits, card.multiprocessors), tile.resident);
        const double cost = static_cast<double>(waves * together * tile.rows * tile.columns) *
                            static_cast<double>(ceil_div(k_tiles, splits)) / tile.efficiency;
        if (least == 0.0 || cost < least) {
            least = cost;
            best = {tile.size, splits};
        }
    }
    return best;
}

}  // namespace adaq::cuda
