// A pickle machine that can only describe state dicts. It knows the opcodes that torch.save emits and a fixed list of
// globals (storages, rebuilding a tensor, OrderedDict, ...), which it understands as data; it imports, calls and
// executes nothing, and any other opcode or global is an error that names it.
//
// Values live in one array and refer to each other by index, so that sharing costs nothing, cycles do not matter and
// nothing recurses; memory stays within a fixed multiple of the pickle's length.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/tensor.h"
#include "loaders/weights/byte_cursor.h"
#include "loaders/weights/dtype.h"

namespace adaq {

using PickleId = uint32_t;  // index into Pickle::values

struct PickleValue {
    enum class Kind { none, boolean, integer, text, tuple, list, dict, global, storage, tensor, opaque };
    Kind kind = Kind::none;
    int64_t integer = 0;       // boolean, integer; global: its PickleCall; storage: elements; tensor: index in tensors
    DType dtype = DType::f32;  // storage, or the global that names one
    std::string_view text;     // text; storage: its key
    std::vector<PickleId> items;  // tuple, list; dict: key, value, key, value, ...
};

/// A tensor as the pickle describes it: a view of a storage that lies elsewhere in the file. Nothing of it is checked.
struct PickledTensor {
    DType dtype = DType::f32;
    std::string_view storage_key;
    int64_t storage_elements = 0;
    int64_t offset = 0;  // elements
    Shape shape, strides;
};

struct Pickle {
    std::vector<PickleValue> values;
    std::vector<PickledTensor> tensors;
    PickleId root = 0;

    const PickleValue& top() const { return values[root]; }
};

/// Runs one pickle up to its STOP, where the cursor is left. Texts of the result point into the cursor's bytes.
/// DataError naming `file` and the opcode or global that is not wanted, or how the pickle is broken.
Pickle read_pickle(const std::string& file, ByteCursor& cursor);

}  // namespace adaq
