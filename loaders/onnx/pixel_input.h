// Networks that read pixels: an input of uint8, [N, height, width, channels], which the file's first nodes normalise.
// adaq writes them so (--onnx-input u8), in the three steps of docs/images.md.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "loaders/onnx/message.h"

namespace adaq::onnx {

struct PixelInput {
    std::string normalised;            // the value that the network itself reads
    std::set<const NodeProto*> nodes;  // that make it
    std::vector<float> mean, std;      // a channel each
    std::vector<Dimension> dims;       // [N, channels, height, width]
};

/// Of a graph whose input this is. DataError naming `file`, and the node, where it is normalised in another way.
PixelInput pixel_input(const std::string& file, const GraphProto& graph, const ValueInfo& input);

}  // namespace adaq::onnx
