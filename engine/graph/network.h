// A graph with its parameters, float or quantised: what is calibrated, executed, reported and saved.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/graph/graph.h"
#include "engine/graph/model.h"
#include "engine/tensor.h"

namespace adaq {

/// The integers of one layer's weight, in the network's order (KRSC).
struct LayerCodes {
    Grid grid;
    std::string scheme;
    std::vector<float> scale, zero_point;  // 1 or K
    std::vector<float> centred;            // q - z

    size_t group_of(size_t channel) const { return scale.size() == 1 ? 0 : channel; }
};

/// A batch norm that is kept: gamma * (x - mean) / sqrt(variance + epsilon) + beta, [K] each.
struct KeptNorm {
    std::vector<float> gamma, beta, mean, variance;
    double epsilon = 1e-5;
};

/// A convolution with its batch norm or bias, or the fully connected layer: y = channel_scale * (W * x) +
/// channel_shift.
struct Layer {
    std::string name;
    Tensor weight;          // KRSC, or KC: float, whether or not `codes` are set; empty in a network loaded quantised
    Shape shape;            // of the weight
    int64_t positions = 1;  // of a map that it flattens: its columns are HWC here, and CHW in files
    std::string norm_name;  // of its batch norm; empty: none
    std::optional<KeptNorm> norm;      // none: folded, or a layer with a bias
    std::vector<float> channel_scale;  // [K] of a kept norm's running statistics; empty: 1
    std::vector<float> channel_shift;  // [K]
    std::optional<LayerCodes> codes;
    std::optional<QuantisedBias> bias_codes;  // of channel_shift, where a runtime has it as integers

    int64_t channels() const { return shape[0]; }
    int64_t weights_per_channel() const { return element_count(shape) / shape[0]; }
    /// Sets the norm, and channel_scale and channel_shift from it.
    void keep(KeptNorm kept);
    /// The norm becomes part of the float weight (codes are left as they are) and of channel_shift.
    void fold();
};

struct Network {
    Graph graph;  // fused (engine/passes/fuse.h)
    bool folded = false;
    Arithmetic arithmetic = Arithmetic::adaq;
    Indexed<Layer> layers;                               // by Node::layer
    Indexed<std::optional<QuantisedActivation>> values;  // by ValueId: where activations are quantised

    bool quantised() const;
};

/// The network of a model, float or with the quantisation it was saved with. `fold` folds each batch norm into its
/// convolution (docs/arithmetic.md section 3); a quantised model is taken as it was saved, and `fold` is not looked at.
/// Throws DataError where the graph has something that the engine does not run.
Network make_network(const StoredModel& model, bool fold);

/// Puts the network's integers, scales and biases in the place of the float weights of the model it was made from.
/// settings: JSON object of the run. Every layer must be quantised.
StoredModel quantised_model(const Network& network, const StoredModel& original, const std::string& settings);

}  // namespace adaq
