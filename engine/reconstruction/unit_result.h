// What learning a unit has put into the network: enough to put it there again without learning (--resume).
#pragma once

#include <utility>
#include <vector>

#include "adaq/learning.h"
#include "engine/graph/network.h"
#include "engine/reconstruction/unit_options.h"

namespace adaq {

struct UnitResult {
    struct LayerResult {
        int layer = -1;                                     // Node::layer
        std::vector<float> centred;                         // q - z of each weight, KRSC
        std::vector<float> weight_scale;                    // [K] or [1]
        std::vector<float> bias;                            // [K]; empty where a batch norm is kept
        std::vector<float> running_mean, running_variance;  // of a kept batch norm, which --bn batch moves; else empty
    };
    std::vector<LayerResult> layers;
    std::vector<std::pair<ValueId, float>> scales;  // of the unit's activation sites
    UnitRecord record;
};

/// Of a unit that was just frozen into the network.
UnitResult result_of(const Network& network, const Unit& unit, UnitRecord record);

/// Throws DataError where the result is not one of this network's.
void put_result(Network& network, const UnitResult& result);

}  // namespace adaq
