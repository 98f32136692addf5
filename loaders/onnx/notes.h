// What a user is told of an ONNX file: layers that its runtime computes in float, and sums that may saturate.
#pragma once

#include <string>
#include <vector>

#include "loaders/onnx/target.h"

namespace adaq::onnx {

/// A layer as it was written.
struct ExportedLayer {
    std::string name;
    bool convolution = true;
    bool quantised_input = false, quantised_output = false;
    int largest_code = 0;  // of the input
    int largest_pair = 0;  // of weights: see layer_codes.h
    bool float_bias = false;
    bool packed = false;
};

/// One sentence a matter.
std::vector<std::string> notes_of(const std::vector<ExportedLayer>& layers, const OnnxOptions& options,
                                  const TargetRules& rules);

}  // namespace adaq::onnx
