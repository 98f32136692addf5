// Who touched which bytes last: a cell for every 4 bytes of memory (for every byte, once something smaller than 4 bytes
// was touched), in which the last write and the last reads leave their stamps.
//
// Time is counted by the barriers of all blocks of all launches (epoch): blocks run one after the other, so a stamp
// tells by its epoch to which launch and block it belongs. Within an epoch a warp counts its __syncwarps.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace adaq::emulator {

/// An access's time and author. Epoch 0: never.
struct Stamp {
    uint32_t epoch = 0;
    uint16_t warp_epoch = 0;
    uint16_t author = 0;  // the thread's number in its block, and marks

    bool operator==(const Stamp&) const = default;
    unsigned thread() const { return author & 0x3FFu; }
    unsigned warp() const { return thread() / 32; }
    bool has(uint16_t mark) const { return (author & mark) != 0; }
};

inline constexpr uint16_t kManyLanes = 0x400;    // reads: by several lanes of the thread's warp
inline constexpr uint16_t kManyWarps = 0x800;    // reads: by several warps of the block
inline constexpr uint16_t kManyBlocks = 0x1000;  // reads: by several blocks of the launch
inline constexpr uint16_t kAtomic = 0x2000;      // the write was an atomic operation
inline constexpr uint16_t kPending = 0x4000;     // the write is a cp.async that nobody has waited for
inline constexpr uint16_t kUnfenced = 0x8000;    // the write is a cp.async with no fence for the async proxy behind it

inline constexpr uint32_t kHostEpoch = 1;  // what the host wrote, before any kernel

struct Cell {
    Stamp write, read;
};

class Shadow {
  public:
    explicit Shadow(size_t bytes) : shift_(2), cells_(make(cells_for(bytes, 2))), bytes_(bytes) {}

    /// The cells of a range; refines where the range begins or ends within 4 bytes.
    struct Range {
        Cell* begin;
        Cell* end;
    };
    Range range(size_t offset, size_t bytes) {
        if (shift_ == 2 && ((offset | bytes) & 3u) != 0) refine();
        return {cells_.get() + (offset >> shift_), cells_.get() + ((offset + bytes - 1) >> shift_) + 1};
    }

    /// The offset of the first byte of the range that nobody has written since the allocation.
    std::optional<size_t> first_unwritten(size_t offset, size_t bytes);
    void set_written(size_t offset, size_t bytes);

  private:
    struct Free {
        void operator()(Cell* cells) const;
    };
    using Cells = std::unique_ptr<Cell[], Free>;

    static size_t cells_for(size_t bytes, unsigned shift) { return ((bytes - 1) >> shift) + 1; }
    static Cells make(size_t count);  // zeros, without touching them
    void refine();

    unsigned shift_;
    Cells cells_;
    size_t bytes_;
};

}  // namespace adaq::emulator
