// See error_sum.h. A block of elements goes through three short loops over arrays that stay in the first-level cache;
// each vectorises by itself.
#include "kernels/cpu/calibration/error_sum.h"

#include <array>

#include "kernels/cpu/calibration/tiles.h"
#include "kernels/cpu/vectorise.h"

namespace adaq::cpu {
namespace {

constexpr int kBlock = 256;
constexpr int kLanes = 16;

}  // namespace

ADAQ_WIDE_VECTORS
double error_sum(std::span<const float> x, Quantiser quantiser, Power p) {
    const float scale = quantiser.scale, zero_point = quantiser.zero_point;
    const float qmin = quantiser.qmin, qmax = quantiser.qmax;
    const bool square = p.exact == 2.0;
    std::array<double, kLanes> lanes{};
    alignas(64) std::array<float, kBlock> error;
    alignas(64) std::array<double, kBlock> powers;
    for (size_t start = 0; start < x.size(); start += kBlock) {
        const float* block = x.data() + start;
        const int count = static_cast<int>(std::min<size_t>(kBlock, x.size() - start));
        for (int i = 0; i < count; ++i) {
            error[i] = std::fabs(fake_quantise(block[i], scale, zero_point, qmin, qmax) - block[i]);
        }
        for (int i = count; i % kLanes != 0; ++i) error[i] = 0.0f;
        const int padded = (count + kLanes - 1) / kLanes * kLanes;
        if (square) {
            for (int i = 0; i < padded; ++i) powers[i] = static_cast<double>(error[i]) * static_cast<double>(error[i]);
        } else {
            for (int i = 0; i < padded; ++i) powers[i] = power(error[i], p);
        }
        for (int i = 0; i < padded; i += kLanes) {
            for (int lane = 0; lane < kLanes; ++lane) lanes[lane] += powers[i + lane];
        }
    }
    double sum = 0.0;
    for (double lane : lanes) sum += lane;
    return sum;
}

// A tile of x stays in cache while all candidates pass over it.
std::vector<double> exhaustive_scores(std::span<const float> x, int64_t groups, std::span<const Quantiser> quantisers,
                                      Power p) {
    const Tiles tiles(x, groups);
    const size_t candidates = quantisers.size() / groups;
    std::vector<double> of_tile(tiles.count() * candidates);
#pragma omp parallel for schedule(dynamic)
    for (int64_t tile = 0; tile < tiles.count(); ++tile) {
        const Quantiser* of_group = quantisers.data() + tiles.group(tile) * candidates;
        for (size_t c = 0; c < candidates; ++c) {
            of_tile[tile * candidates + c] = error_sum(tiles[tile], of_group[c], p);
        }
    }
    std::vector<double> scores(quantisers.size(), 0.0);
    for (int64_t tile = 0; tile < tiles.count(); ++tile) {
        double* of_group = scores.data() + tiles.group(tile) * candidates;
        for (size_t c = 0; c < candidates; ++c) of_group[c] += of_tile[tile * candidates + c];
    }
    return scores;
}

Quantiser quantiser_of_range(float lo, float hi, Grid grid, bool zero_centred) {
    const ScaleZero quantiser = scale_zero_of_range(lo, hi, grid);
    return {quantiser.scale, zero_centred ? 0.0f : quantiser.zero_point, grid.qmin(), grid.qmax()};
}

}  // namespace adaq::cpu
