// What learning has done to one unit: curves, roundings, scales, as plain data for reports.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace adaq {

/// How far h(V) is from 0 and 1 (docs/arithmetic.md section 5), over some weights.
struct Unsettled {
    double softness = 0.0;  // mean of 1 - |2h - 1|: 0 where every h is 0 or 1, 1 where all are 1/2
    double share = 0.0;     // of the weights with 0.05 < h < 0.95
};

/// The losses of one iteration, on its batch, and h behind it.
struct LearningPoint {
    int64_t iteration = 0;
    double reconstruction = 0.0, penalty = 0.0;
    Unsettled unsettled;      // estimated (RoundingProbe)
    double prediction = 0.0;  // PD-Quant's term of the loss; 0 without it
};

/// A layer's final, hard rounding beside rounding to nearest.
struct RoundingRecord {
    std::string layer;
    int64_t weights = 0;
    double up = 0.0, down = 0.0;  // shares of the weights whose integer is above, below the nearest
    Unsettled unsettled;          // of every weight, before it was made hard

    double flipped() const { return up + down; }
};

struct ScaleRecord {
    std::string site;
    double initial = 0.0, learned = 0.0;
};

/// Learned factors of the weight scales of one layer's channels, each relative to where its scale started.
struct ChannelRecord {
    std::string layer;
    double lowest = 1.0, median = 1.0, highest = 1.0;
};

struct UnitRecord {
    std::string name;    // the unit's: "layer1.0.conv1", or a block's
    uint32_t phase = 0;  // of methods that go over the network more than once
    int64_t iterations = 0;
    std::vector<LearningPoint> curve;  // at most 200 points, equally far apart
    std::vector<RoundingRecord> roundings;
    std::vector<ScaleRecord> scales;
    std::vector<ChannelRecord> channels;  // of those layers whose channels' scales were learned
    double seconds = 0.0;                 // of all iterations, measuring included
    int64_t flops_per_iteration = 0;      // of convolutions and products, forward and both gradients, where done

    double gflops_per_second() const {
        return seconds > 0.0
                   ? static_cast<double>(flops_per_iteration) * static_cast<double>(iterations) / seconds / 1e9
                   : 0.0;
    }
};

}  // namespace adaq
