// See cell_score.h.
#include "kernels/cpu/calibration/cell_score.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "kernels/cpu/vectorise.h"

namespace adaq::cpu {
namespace {

constexpr int kBlock = 512;
constexpr int kLanes = 16;

/// The distance of each cell's centre from its level in units that the series can use; 0 where it cannot.
struct Distances {
    alignas(64) std::array<float, kBlock> distance, series, rest;
};

ADAQ_WIDE_VECTORS
void expand(const Cells& cells, int64_t first, int count, Quantiser quantiser, float ratio, Distances& distances,
            int32_t* divided) {
    const float scale = quantiser.scale, zero_point = quantiser.zero_point;
    const float qmin = quantiser.qmin, qmax = quantiser.qmax;
    const float *min = cells.min.data() + first, *max = cells.max.data() + first;
    const float *centre = cells.centre.data() + first, *half_width = cells.half_width.data() + first;
    const float *m0 = cells.moment[0].data() + first, *m1 = cells.moment[1].data() + first;
    const float *m2 = cells.moment[2].data() + first, *m3 = cells.moment[3].data() + first;
    const float* m4 = cells.moment[4].data() + first;
    constexpr float kTiny = 1e-37f;
    for (int i = 0; i < count; ++i) {
        // Quantising is monotone: when both extremes go to one level, so does what lies between.
        const float low = quantise_centred(min[i], scale, zero_point, qmin, qmax);
        const float high = quantise_centred(max[i], scale, zero_point, qmin, qmax);
        const float offset = centre[i] - low * scale;
        const float distance = std::fabs(offset);
        const int32_t usable =
            static_cast<int32_t>(low == high) & static_cast<int32_t>(distance >= ratio * half_width[i]);
        const float used = distance * static_cast<float>(usable);
        const float u = static_cast<float>(usable) * half_width[i] / (used > kTiny ? used : kTiny);
        const float v = offset < 0.0f ? -u : u;
        distances.distance[i] = used;
        distances.series[i] = m0[i] + v * (m1[i] + v * (m2[i] + v * (m3[i] + v * m4[i])));
        distances.rest[i] = m0[i] * (u * u) * (u * u) * u;
        divided[i] = 1 - usable;
    }
}

ADAQ_WIDE_VECTORS
CellScore add_up(const Distances& distances, int count, Power p) {
    const bool square = p.exact == 2.0;
    alignas(64) std::array<double, kBlock> powers;
    if (square) {
        for (int i = 0; i < count; ++i) {
            powers[i] = static_cast<double>(distances.distance[i]) * static_cast<double>(distances.distance[i]);
        }
    } else {
        for (int i = 0; i < count; ++i) powers[i] = power(distances.distance[i], p);
    }
    std::array<double, kLanes> sums{}, rests{};
    for (int i = 0; i < count; i += kLanes) {
        for (int lane = 0; lane < kLanes; ++lane) {
            sums[lane] += powers[i + lane] * static_cast<double>(distances.series[i + lane]);
            rests[lane] += powers[i + lane] * static_cast<double>(distances.rest[i + lane]);
        }
    }
    CellScore score;
    for (int lane = 0; lane < kLanes; ++lane) {
        score.sum += sums[lane];
        score.error += rests[lane];
    }
    return score;
}

/// Cells in one run lie side by side in memory: they are summed together.
double sum_divided(const Cells& cells, int64_t first, int count, const int32_t* divided, Quantiser quantiser, Power p) {
    double sum = 0.0;
    for (int i = 0; i < count; ++i) {
        if (divided[i] == 0) continue;
        const int64_t begin = cells.first[first + i];
        while (i + 1 < count && divided[i + 1] != 0) ++i;
        const int64_t end = cells.first[first + i + 1];
        const auto elements = std::span(cells.elements).subspan(begin, end - begin);
        sum += error_sum(elements, quantiser, p);
    }
    return sum;
}

CellScore score_block(const Cells& cells, int64_t first, int count, Quantiser quantiser, Power p, float ratio) {
    Distances distances;
    std::array<int32_t, kBlock> divided;
    expand(cells, first, count, quantiser, ratio, distances, divided.data());
    const int padded = (count + kLanes - 1) / kLanes * kLanes;
    for (int i = count; i < padded; ++i) distances.distance[i] = distances.series[i] = distances.rest[i] = 0.0f;
    CellScore score = add_up(distances, padded, p);
    score.sum += sum_divided(cells, first, count, divided.data(), quantiser, p);
    return score;
}

}  // namespace

CellScore score_cells(const Cells& cells, Quantiser quantiser, Power p, float ratio, double limit) {
    // |remainder| <= 2 |binomial(p, 5)| u^5 for u <= 1/4 and p <= 16: from there on terms shrink by half at least.
    const double next_binomial = 2.0 * std::fabs(binomial(p.exact, kMoments));
    CellScore score;
    int64_t low = 0, high = cells.count();
    for (bool low_end = true; low < high && score.sum <= limit; low_end = !low_end) {
        const int count = static_cast<int>(std::min<int64_t>(kBlock, high - low));
        if (!low_end) high -= count;
        const CellScore block = score_block(cells, low_end ? low : high, count, quantiser, p, ratio);
        if (low_end) low += count;
        score.sum += block.sum;
        score.error += next_binomial * block.error;
    }
    return score;
}

}  // namespace adaq::cpu
