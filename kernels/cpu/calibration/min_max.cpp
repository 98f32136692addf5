// Smallest and largest value of each group, in one pass over memory (4 bytes an element).
#include <array>
#include <limits>

#include "kernels/cpu/calibration/calibration.h"
#include "kernels/cpu/calibration/tiles.h"
#include "kernels/cpu/vectorise.h"

namespace adaq::cpu {
namespace {

constexpr int kLanes = 16;
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

struct Lanes {
    std::array<float, kLanes> min, max;
    std::array<int32_t, kLanes> nan;  // how many so far, of at most kTile
};

/// The whole lanes of a tile; its tail is left to the caller.
ADAQ_WIDE_VECTORS
void scan(const float* x, int64_t count, Lanes& result) {
    Lanes lanes = result;
    for (int64_t i = 0; i + kLanes <= count; i += kLanes) {
        for (int lane = 0; lane < kLanes; ++lane) {
            const float value = x[i + lane];
            lanes.min[lane] = value < lanes.min[lane] ? value : lanes.min[lane];
            lanes.max[lane] = value > lanes.max[lane] ? value : lanes.max[lane];
            lanes.nan[lane] += value != value ? 1 : 0;
        }
    }
    result = lanes;
}

MinMax merge(MinMax a, MinMax b) {
    if (a.min != a.min || b.min != b.min) return {kNaN, kNaN};
    return {std::min(a.min, b.min), std::max(a.max, b.max)};
}

MinMax tile_min_max(std::span<const float> x) {
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    Lanes lanes;
    lanes.min.fill(kInfinity);
    lanes.max.fill(-kInfinity);
    lanes.nan.fill(0);
    scan(x.data(), static_cast<int64_t>(x.size()), lanes);
    MinMax result{kInfinity, -kInfinity};
    for (int lane = 0; lane < kLanes; ++lane) {
        result = merge(result, lanes.nan[lane] != 0 ? MinMax{kNaN, kNaN} : MinMax{lanes.min[lane], lanes.max[lane]});
    }
    for (float value : x.subspan(x.size() / kLanes * kLanes)) result = merge(result, {value, value});
    return result;
}

}  // namespace

std::vector<MinMax> min_max(std::span<const float> x, int64_t groups) {
    const Tiles tiles(x, groups);
    std::vector<MinMax> of_tile(tiles.count());
#pragma omp parallel for schedule(static)
    for (int64_t tile = 0; tile < tiles.count(); ++tile) of_tile[tile] = tile_min_max(tiles[tile]);

    std::vector<MinMax> result(groups);
    for (int64_t tile = 0; tile < tiles.count(); ++tile) {
        MinMax& whole = result[tiles.group(tile)];
        const MinMax& part = of_tile[tile];
        whole = tile % tiles.per_group() == 0 ? part : merge(whole, part);
    }
    return result;
}

}  // namespace adaq::cpu
