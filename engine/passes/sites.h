// Where activations are quantised, and to how many bits (docs/arithmetic.md section 4).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/graph/network.h"

namespace adaq {

/// block: the output of each ReLU, and what one layer reads of another without one, MobileNetV2's linear bottlenecks
/// (BRECQ, QDrop, PD-Quant). layer: the output of every convolution and of the fully
/// connected layer, not a block's output (the published AdaRound rows). deploy_ort: block, every value that a layer
/// with a weight or an average pool reads, and both operands of each addition (onnxruntime). deploy_tensorrt: the same,
/// but nothing between an addition and the last convolution that feeds it, which TensorRT computes as one.
enum class ActivationSites { block, layer, deploy_ort, deploy_tensorrt };

/// Whether a policy makes a site of the network's input.
inline bool quantises_input(ActivationSites sites) {
    return sites == ActivationSites::deploy_ort || sites == ActivationSites::deploy_tensorrt;
}

/// Which activations have 8 bits under --head-stem-8bit: the stem's output, the one that feeds the fully connected
/// layer.
enum class EdgeActivations { stem, fc, both };

struct Site {
    ValueId value;
    int bits;
};

struct SiteOptions {
    ActivationSites sites = ActivationSites::block;
    int bits = 32;        // 32: activations stay float
    int input_bits = 32;  // of the image; 32: float
    bool head_stem_8bit = false;
    EdgeActivations edges = EdgeActivations::fc;
    std::map<std::string, int> site_bits =
        {};  // of single sites by name (engine/graph/network.h, site_name), whatever the above
};

/// In order of data flow. Throws UsageError where options.site_bits names no site.
std::vector<Site> activation_sites(const Graph& graph, const SiteOptions& options);

}  // namespace adaq
