// The opcodes that stand for a value alone: numbers, texts, bytes, None.
#pragma once

#include <optional>

#include "loaders/weights/byte_cursor.h"
#include "loaders/weights/pickle_objects.h"

namespace adaq {

/// The value of `opcode`, whose argument is read off `cursor`; nothing where it is another kind of opcode.
std::optional<PickleId> read_pickle_constant(unsigned char opcode, ByteCursor& cursor, PickleObjects& objects);

}  // namespace adaq
