// Packing through a window: bits enter on one side and leave on the other; see bit_packing.h. Little-endian.
#include "loaders/weights/bit_packing.h"

#include <cstring>

#include "engine/error.h"

namespace adaq {
namespace {

/// What is packed as 0; a narrow grid's codes are packed as those of the wide one.
int first_code(Grid grid) { return static_cast<int>(Grid{grid.bits, grid.one_sided}.qmin()); }

}  // namespace

std::vector<std::byte> pack_codes(std::span<const int16_t> codes, Grid grid) {
    std::vector<std::byte> packed;
    packed.reserve(packed_bytes(codes.size(), grid.bits));
    const int first = first_code(grid), qmin = static_cast<int>(grid.qmin()), qmax = static_cast<int>(grid.qmax());
    uint32_t window = 0;
    int filled = 0;
    for (int16_t code : codes) {
        require(code >= qmin && code <= qmax, "pack_codes: code {} is outside [{}, {}]", code, qmin, qmax);
        window |= static_cast<uint32_t>(code - first) << filled;
        filled += grid.bits;
        for (; filled >= 8; filled -= 8, window >>= 8) packed.push_back(static_cast<std::byte>(window & 0xffu));
    }
    if (filled > 0) packed.push_back(static_cast<std::byte>(window));
    return packed;
}

std::vector<int16_t> unpack_codes(std::span<const std::byte> packed, size_t count, Grid grid) {
    require(packed.size() == packed_bytes(count, grid.bits), "unpack_codes: {} bytes for {} codes of {} bits",
            packed.size(), count, grid.bits);
    std::vector<int16_t> codes(count);
    const int first = first_code(grid);
    const uint32_t mask = (1u << grid.bits) - 1;
    size_t done = 0, next = 0;
    // Eight codes fill whole bytes, which are read eight at a time as long as there are so many.
    for (; done + 8 <= count && next + sizeof(uint64_t) <= packed.size(); done += 8, next += grid.bits) {
        uint64_t window = 0;
        std::memcpy(&window, packed.data() + next, sizeof window);
        for (size_t i = 0; i < 8; ++i, window >>= grid.bits)
            codes[done + i] = static_cast<int16_t>(static_cast<int>(window & mask) + first);
    }
    uint32_t window = 0;
    int filled = 0;
    for (; done < count; ++done) {
        if (filled < grid.bits) {
            window |= static_cast<uint32_t>(packed[next++]) << filled;
            filled += 8;
        }
        codes[done] = static_cast<int16_t>(static_cast<int>(window & mask) + first);
        window >>= grid.bits;
        filled -= grid.bits;
    }
    return codes;
}

bool filled_with_zero_bits(std::span<const std::byte> packed, size_t count, int bits) {
    const size_t used = count % 8 * bits % 8;  // bits used of the last byte; 0: all
    return used == 0 || static_cast<uint32_t>(packed.back()) >> used == 0;
}

}  // namespace adaq
