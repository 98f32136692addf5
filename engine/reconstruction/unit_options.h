// What is learned about a unit, and how: the numbers of a recipe (docs/arithmetic.md section 7).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/graph/graph.h"
#include "engine/program/operations.h"

namespace adaq {

/// mean: over every element. channel_sum: squares summed over channels, mean over the rest. fisher_diag: the same,
/// weighted by UnitCaches::weight (BRECQ's diagonal of the Fisher matrix).
enum class Reconstruction { mean, channel_sum, fisher_diag };

/// Where V starts: at the fraction of W/s, or at the nearest integer (V = +-ln 11).
enum class RoundingStart { fraction, nearest };

/// What kept batch norms normalise with while their unit is reconstructed (docs/arithmetic.md section 3). fixed: their
/// running statistics. batch: the batch's, and the running ones move.
enum class NormStatistics { fixed, batch };

/// PD-Quant (docs/arithmetic.md section 8): KL(softmax(float logits / T) || softmax(logits / T)), batch mean, divided
/// by lambda, is added to the loss; the logits are what the float network makes of the unit's output on quantised
/// input.
struct PredictionDifference {
    double temperature = 4.0;  // T
    double lambda = 0.1;
};

struct UnitOptions {
    Schedule schedule;
    bool learn_rounding = true;
    bool learn_scales = false;
    bool learn_channels = false;       // with the rounding: each channel's weight scale and bias
    bool quantise_activations = true;  // where the network has quantisers
    Reconstruction loss = Reconstruction::mean;
    double exponent = 2.0;
    double lambda = 1.0;  // of the rounding regulariser
    std::optional<PredictionDifference> prediction;
    RoundingStart start = RoundingStart::fraction;
    NormStatistics norms = NormStatistics::fixed;
    int64_t batch = 32;
    bool replacement = false;            // an image may come twice in a batch
    float keep_input = 1.0f;             // each element of the input is the quantised network's with this probability
    float keep_quantised = 1.0f;         // each activation stays quantised with this probability
    bool scale_gradient_factor = false;  // LSQ's 1 / sqrt(numel * qmax)
    uint64_t seed = 0;
    uint32_t phase = 0;
    std::vector<std::vector<float>> order;  // batches chosen beforehand, one a row; empty: drawn
};

}  // namespace adaq
