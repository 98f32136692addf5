// Finds the state dict in what a checkpoint's pickle holds.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "loaders/weights/pickle.h"

namespace adaq {

/// The names and tensors of the state dict: the pickled dict itself, or the one under "state_dict", "model_state_dict"
/// or "model" in it. What else a checkpoint holds (epoch, optimiser) is passed over. DataError naming `file` if there
/// is none, or if a name is there twice. The tensors belong to `pickle`.
std::vector<std::pair<std::string_view, const PickledTensor*>> find_state_dict(const std::string& file,
                                                                               const Pickle& pickle);

}  // namespace adaq
