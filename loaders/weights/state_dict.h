// From the named tensors of a checkpoint to a StoredModel: names made torchvision's, network recognised, values
// converted.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/graph/model.h"
#include "loaders/weights/network_name.h"
#include "loaders/weights/raw_tensor.h"

namespace adaq {

/// One network's part of a file, its tensors still in there.
struct StateDict {
    RawTensors tensors;
    std::map<std::string, std::string> others;  // what else has a name beside them: "made by numpy...", "a number"
    NamedNetwork named;                         // by the file itself, where it says anything
    std::vector<std::string> notes;             // sentences for the user
};

/// Strips prefixes that all names share ("module.", "_orig_mod.", "model."), drops what inference has no use for
/// (num_batches_tracked), finds the network (loaders/architectures), and converts; what it passes over is said in
/// dict.notes. `file_bytes` bounds the memory taken. arch: the network's name, which goes before the one that the file
/// gives it; empty: that one. DataError naming `file` and the tensor.
StoredModel model_of_state_dict(const std::string& file, StateDict& dict, size_t file_bytes, const std::string& arch);

}  // namespace adaq
