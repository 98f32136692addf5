// The globals that a state dict needs, as data: what each of torch's and Python's names stands for.
#pragma once

#include <optional>
#include <string_view>

#include "loaders/weights/dtype.h"

namespace adaq {

/// What calling a global means to us.
enum class PickleCall {
    dict,            // collections.OrderedDict and its like
    tensor,          // torch._utils._rebuild_tensor_v2: a view of a storage
    first_argument,  // torch._utils._rebuild_parameter, torch.Size: what it is given
    opaque,          // torch.device: nothing that we look at
    storage          // torch.FloatStorage, ...: named by persistent ids, never called
};

struct PickleGlobal {
    PickleCall call = PickleCall::opaque;
    DType dtype = DType::f32;  // storage
};

/// Nothing for any name ("module.name") that is not on the list.
std::optional<PickleGlobal> pickle_global(std::string_view name);

/// "REDUCE" of 'R', for messages; "unknown" for what is no opcode.
std::string_view pickle_opcode_name(unsigned char opcode);

}  // namespace adaq
