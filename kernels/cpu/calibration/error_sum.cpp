// See error_sum.h. A block of elements goes through three short loops over arrays that stay in the first-level cache;
// each vectorises by itself.
#include "kernels/cpu/calibration/error_sum.h"

#include <array>

#include "kernels/cpu/calibration/wide_vectors.h"

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

Quantiser quantiser_of_range(float lo, float hi, Grid grid, bool zero_centred) {
    const ScaleZero quantiser = scale_zero_of_range(lo, hi, grid);
    return {quantiser.scale, zero_centred ? 0.0f : quantiser.zero_point, grid.qmin(), grid.qmax()};
}

}  // namespace adaq::cpu
