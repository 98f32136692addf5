// What a PyTorch user needs beside the dequantised weights: the scale, zero point, bits and scheme of every weight and
// activation, as JSON.
#pragma once

#include <string>
#include <vector>

#include "engine/graph/model.h"

namespace adaq {

/// (q - z) s of every code, row-major in the weight's shape, in float32.
std::vector<float> dequantised(const QuantisedWeight& weight);

/// The JSON text of a quantised model's encodings, the same for equal models; it explains itself under "about".
std::string encodings_text(const StoredModel& model);

}  // namespace adaq
