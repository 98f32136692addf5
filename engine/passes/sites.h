// Where activations are quantised, and to how many bits (docs/arithmetic.md section 4).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/graph/network.h"

namespace adaq {

/// block: the output of each ReLU (BRECQ, QDrop, PD-Quant). layer: the output of every convolution and of the fully
/// connected layer, not a block's output (the published AdaRound rows).
enum class ActivationSites { block, layer };

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
