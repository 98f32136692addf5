// The codes of a quantised weight as they lie in the flat binary: q - qmin of each element, N bits each, least
// significant bit first, without gaps; the last byte is filled up with zero bits (weights/FORMAT.md).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/grid.h"

namespace adaq {

/// Bytes that `count` codes of `bits` bits take.
inline size_t packed_bytes(size_t count, int bits) {
    const size_t n = bits;
    return count / 8 * n + (count % 8 * n + 7) / 8;
}

/// Packs codes q in [qmin, qmax] of `grid`; a code outside is our own mistake (std::logic_error).
std::vector<std::byte> pack_codes(std::span<const int16_t> codes, Grid grid);

/// The inverse. `packed` has packed_bytes(count, grid.bits) bytes.
std::vector<int16_t> unpack_codes(std::span<const std::byte> packed, size_t count, Grid grid);

/// Whether the bits after the last code are zero, as a file must have them.
bool filled_with_zero_bits(std::span<const std::byte> packed, size_t count, int bits);

}  // namespace adaq
