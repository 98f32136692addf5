// A pickle machine that can only describe. It knows every opcode of protocols 0 to 5 and a fixed list of globals
// (storages, rebuilding a tensor, OrderedDict, ...), which it understands as data; whatever else a pickle makes becomes
// an opaque object that remembers what would have made it. Nothing is imported, called or executed.
//
// Values live in one array and refer to each other by index, so that sharing costs nothing, cycles do not matter and
// nothing recurses; memory stays within a fixed multiple of the pickle's length.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/tensor.h"
#include "loaders/weights/byte_cursor.h"
#include "loaders/weights/dtype.h"

namespace adaq {

using PickleId = uint32_t;  // index into Pickle::values
inline constexpr PickleId kNoPickleId = std::numeric_limits<PickleId>::max();

struct PickleValue {
    enum class Kind : uint8_t {
        none,
        boolean,
        integer,
        real,  // or an integer beyond 64 bits
        bytes,
        text,
        tuple,
        list,
        dict,
        global,
        storage,
        tensor,
        object
    };
    Kind kind = Kind::none;
    uint32_t index = 0;            // global, storage, tensor: in Pickle's lists; object: in Pickle::made_by
    PickleId state = kNoPickleId;  // object: what BUILD gave it, its attributes as a rule
    int64_t integer = 0;           // boolean, integer
    std::string_view text{};
    std::vector<PickleId> items{};  // tuple, list; dict, object: key, value, ...; storage: its type
};

struct PickledStorage {
    std::string_view key;
    int64_t elements = 0;
    std::optional<StoredType> dtype;  // none: adaq does not read them, or it is untyped
    size_t element_bytes = 1;
    bool untyped = false;  // the tensor says what the bytes are
};

/// A tensor as the pickle describes it: a view of a storage that lies elsewhere in the file. Nothing of it is checked.
struct PickledTensor {
    size_t storage = 0;  // in Pickle::storages
    StoredType dtype = StoredType::f32;
    int64_t offset = 0;  // elements
    Shape shape, strides;
    bool negative = false;  // torch's lazy negative bit: the values are the storage's with the other sign
};

struct Pickle {
    std::vector<PickleValue> values;
    std::vector<PickledStorage> storages;
    std::vector<PickledTensor> tensors;
    std::vector<std::string> made_by;  // of objects: "numpy.core.multiarray.scalar"
    PickleId root = 0;

    const PickleValue& top() const { return values[root]; }
    bool is_dict(const PickleValue& value) const;  // a dict, or an object that has items as one has
};

/// For messages: "a number", "made by numpy.core.multiarray.scalar".
std::string described(const Pickle& pickle, const PickleValue& value);

/// Runs one pickle up to its STOP, where the cursor is left. Texts of the result point into the cursor's bytes; escapes
/// in texts of protocol 0 are left as they are. DataError naming `file` and how the pickle is broken.
Pickle read_pickle(const std::string& file, ByteCursor& cursor);

}  // namespace adaq
