// The codes of a quantised activation as a runtime has them.
#pragma once

#include <optional>
#include <string>

#include "engine/graph/model.h"
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

/// DataError naming file and site where the runtime has no such codes.
SiteCodes site_codes(const std::string& file, const std::string& site, const QuantisedActivation& activation,
                     const TargetRules& rules);

}  // namespace adaq::onnx
