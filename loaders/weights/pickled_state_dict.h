// Finds a network's state dict in what a checkpoint's pickle holds.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "loaders/weights/pickle.h"

namespace adaq {

struct PickledStateDict {
    std::vector<std::pair<std::string_view, const PickledTensor*>> tensors;  // of the pickle
    std::map<std::string, std::string> others;  // what else has a name there: "made by torch._utils._rebuild_qtensor"
    std::vector<std::string> notes;             // sentences for the user: which of several was taken
};

/// The dict of tensors in the pickle: the pickled dict itself or one nested in it, however it is called. Of several,
/// "state_dict" goes before "model", "net", averaged ones and others; the notes say that there are more. `key`, where
/// it is not empty, names the dict to take ("state_dict_ema", "model.ema"). What else a checkpoint holds (epoch,
/// optimiser) is passed over. DataError naming `file` if there is none, or if it has a name twice.
PickledStateDict find_state_dict(const std::string& file, const Pickle& pickle, const std::string& key);

}  // namespace adaq
