// The globals that a state dict needs, as data: what each of torch's and Python's names stands for.
#pragma once

#include <optional>
#include <string_view>

#include "loaders/weights/dtype.h"

namespace adaq {

/// What calling a global means to us.
enum class PickleCall {
    object,          // anything that is not on the list: an object of which we know what made it
    dict,            // collections.OrderedDict and its like: arguments become items
    empty_dict,      // collections.defaultdict: arguments are none of its items
    tensor,          // torch._utils._rebuild_tensor_v2: a view of a storage
    untyped_tensor,  // torch._utils._rebuild_tensor_v3: of an untyped storage
    first_argument,  // torch._utils._rebuild_parameter, torch.Size: what it is given
    forward,         // torch._tensor._rebuild_from_type_v2: what its first argument makes of its third
    new_object,      // copyreg.__newobj__: what its first argument makes of the others
    reconstructed,   // copyreg._reconstructor: an object of its first argument, with the items of its third
    storage,         // torch.FloatStorage, ...: named by persistent ids, never called
    dtype            // torch.float32, ...: never called
};

struct PickleGlobal {
    PickleCall call = PickleCall::object;
    std::optional<StoredType> dtype{};  // storage, dtype: of its elements, where adaq reads them
    size_t element_bytes = 0;           // storage
    bool untyped = false;               // storage
};

/// What `name` ("module.name") stands for.
PickleGlobal pickle_global(std::string_view name);

/// "INST" of 'i', for messages; "unknown" for what is no opcode.
std::string_view pickle_opcode_name(unsigned char opcode);

}  // namespace adaq
