// Weights in and out of files: adaq's flat binary, torch.save's two formats, and .safetensors. Nothing of a pickle is
// ever executed. Start here; the other headers of this folder are its parts.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "engine/graph/model.h"

namespace adaq {

/// Reads a weights file of any of the formats, told apart by content: the flat binary (weights/FORMAT.md), torch.save's
/// zip and legacy formats, .safetensors, ONNX (loaders/onnx/import.h). State dicts may be nested in a checkpoint under
/// any name, among anything else, bear prefixes such as "module.", and hold fp16, bf16 or double, which become float32.
/// The architecture is read off the tensors. A quantised flat binary has its quantised weights in
/// StoredModel::quantisation only, not in StoredModel::tensors. DataError, naming the file and what is wrong with it:
/// unreadable, damaged, no network that adaq builds, NaN, ...
StoredModel load_weights(const std::string& path);

/// The same of bytes in memory; `name` stands for the file in errors.
StoredModel read_weights(const std::string& name, std::span<const std::byte> bytes);

/// A model, and what the user should know of how it was found in the file.
struct FoundModel {
    StoredModel model;
    std::vector<std::string> notes;  // sentences: which of several state dicts was taken
};

/// The same, where `checkpoint_key` names the state dict to take of a checkpoint that holds several ("model_ema",
/// "ema.state_dict"); empty: the usual one. DataError if the file has none of that name. `arch` is the network's name
/// ("resnet50_os8"), for state dicts that are several networks'; empty: that which the file gives it, if any.
/// UsageError where it is the name of none that adaq builds.
FoundModel find_weights(const std::string& path, const std::string& checkpoint_key, const std::string& arch = "");
FoundModel find_weights(const std::string& name, std::span<const std::byte> bytes, const std::string& checkpoint_key,
                        const std::string& arch = "");

/// Writes the flat binary. Equal models give equal files. DataError when the disk refuses, or if the model is not one
/// that load_weights would accept (a missing tensor, NaN, a code outside its grid); nothing is left on the disk then.
void save_bin(const std::string& path, const StoredModel& model);

/// Writes float32 .safetensors under torchvision's names, for torchvision.models.resnet18().load_state_dict(...).
/// Quantised weights are written dequantised, (q - z) s; a model with folded batch norms gets batch norms that do
/// nothing (gamma 1, beta the folded bias, mean 0, variance 1 - 1e-5, so that variance + eps is exactly 1). A quantised
/// model also gets `path` with .encodings.json instead of .safetensors: scale, zero point, bits, scheme of every weight
/// and activation. A PyTorch user loads the weights as they are (they lie on their grids already) and fake-quantises
/// the activation at each named site with (clamp(round(x / scale) + zero_point, qmin, qmax) - zero_point) * scale to
/// get the network that adaq evaluated. Errors as for save_bin.
void save_safetensors(const std::string& path, const StoredModel& model);

/// The name of the file of encodings that goes with `path`.
std::string encodings_path(const std::string& path);

}  // namespace adaq
