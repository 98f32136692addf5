// Networks as ONNX, for other people's runtimes: quantised ones with QuantizeLinear and DequantizeLinear around float
// operators, float ones plain. Start here; the other headers of this folder are its parts.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "engine/graph/model.h"
#include "engine/indexed.h"
#include "loaders/onnx/message.h"

namespace adaq {

/// Whose rules a file follows (docs/deployment.md). any: what every runtime reads.
enum class OnnxTarget { any, ort, openvino, tensorrt };
inline constexpr std::array<const char*, 4> kOnnxTargetNames{"any", "ort", "openvino", "tensorrt"};  // by OnnxTarget

/// What the network reads: normalised floats [N,C,H,W], or pixels as decoded, u8 [N,H,W,C].
enum class OnnxInput { floats, pixels };
inline constexpr std::array<const char*, 2> kOnnxInputNames{"float", "u8"};  // by OnnxInput

struct OnnxOptions {
    OnnxTarget target = OnnxTarget::any;
    OnnxInput input = OnnxInput::floats;
    bool pack = false;             // weights of at most 4 bits as INT4 or INT2
    bool aimet_encodings = false;  // a float network, and its grids in a file beside it
};

namespace onnx {

struct Exported {
    ModelProto model;
    std::vector<std::string> notes = {};  // sentences: what the runtime will do otherwise than one might expect
    Indexed<std::string> values = {};     // by ValueId: the tensor that is the value in front of its quantiser
};

/// DataError naming `file` where the network cannot be written for the target, and what would do instead.
Exported export_network(const std::string& file, const StoredModel& model, const OnnxOptions& options);

/// The grids of a quantised network in AIMET's schema 1.0.0, by the names of the tensors of its float export: that is
/// what export_network() made of it with aimet_encodings.
std::string aimet_encodings(const StoredModel& model, const Exported& exported);

}  // namespace onnx

/// Writes the network; the notes come back. Equal models give equal files. With aimet_encodings also the file
/// onnx_encodings_path(). DataError as export_network(), where the file would be larger than ONNX allows, and when the
/// disk refuses; nothing is left on the disk then.
std::vector<std::string> save_onnx(const std::string& path, const StoredModel& model, const OnnxOptions& options);

/// "q.encodings.json" of "q.onnx".
std::string onnx_encodings_path(const std::string& path);

}  // namespace adaq
