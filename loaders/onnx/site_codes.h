// The codes of a quantised activation as a runtime has them.
#pragma once

#include <optional>
#include <string>

#include "engine/graph/network.h"
#include "loaders/onnx/target.h"

namespace adaq::onnx {

struct SiteCodes {
    DataType type = DataType::uint8;
    int zero_point = 0;
    int lowest = 0, highest = 255;  // of the grid; what the type has beyond must not appear
    float scale = 1.0f;

    /// Bounds of the values that have a code, where the type has more codes than the grid.
    std::optional<float> least_value() const;
    std::optional<float> most_value() const;
};

/// Of one of the network's quantised values. DataError naming file and site where the runtime has no such codes, and
/// what makes a network that has them.
SiteCodes site_codes(const std::string& file, const Network& network, ValueId value, const TargetRules& rules);

}  // namespace adaq::onnx
