// See exhaustive.h. A tile of x stays in cache while all candidates pass over it.
#include "kernels/cpu/calibration/exhaustive.h"

#include "kernels/cpu/calibration/tiles.h"

namespace adaq::cpu {

std::vector<double> exhaustive_scores(std::span<const float> x, int64_t groups, std::span<const Quantiser> quantisers,
                                      Power p) {
    const Tiles tiles(x, groups);
    const size_t candidates = quantisers.size() / static_cast<size_t>(groups);
    std::vector<double> of_tile(static_cast<size_t>(tiles.count()) * candidates);
#pragma omp parallel for schedule(dynamic)
    for (int64_t tile = 0; tile < tiles.count(); ++tile) {
        const Quantiser* of_group = quantisers.data() + static_cast<size_t>(tiles.group(tile)) * candidates;
        for (size_t c = 0; c < candidates; ++c) {
            of_tile[static_cast<size_t>(tile) * candidates + c] = error_sum(tiles[tile], of_group[c], p);
        }
    }
    std::vector<double> scores(quantisers.size(), 0.0);
    for (int64_t tile = 0; tile < tiles.count(); ++tile) {
        double* of_group = scores.data() + static_cast<size_t>(tiles.group(tile)) * candidates;
        for (size_t c = 0; c < candidates; ++c) of_group[c] += of_tile[static_cast<size_t>(tile) * candidates + c];
    }
    return scores;
}

}  // namespace adaq::cpu
