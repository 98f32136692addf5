// The running block's shared memory from the emulator's side.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/emulator/shadow.h"

namespace adaq::emulator {

class SharedPieces {
  public:
    static constexpr size_t kUnit = 128;          // pieces begin at its multiples, and are at least that far apart
    static constexpr size_t kBytes = 512 * 1024;  // the largest block's, with all gaps

    struct Piece {
        size_t begin, bytes;
    };

    SharedPieces();
    ~SharedPieces();
    SharedPieces(const SharedPieces&) = delete;
    SharedPieces& operator=(const SharedPieces&) = delete;

    /// Before a block's first thread runs: nothing is taken yet.
    void start_block(size_t allowed_bytes);
    void* take(size_t number, size_t bytes, size_t counted_bytes);

    bool holds(uintptr_t address) const { return address - base_ < kBytes; }
    size_t offset_of(uintptr_t address) const { return address - base_; }
    uintptr_t address_of(size_t offset) const { return base_ + offset; }
    /// The piece in which the byte lies, or whose gap it lies in; null before the first and behind the last.
    const Piece* find(size_t offset) const {
        const uint16_t number = piece_of_[offset / kUnit];
        return number == 0 ? nullptr : &pieces_[number - 1u];
    }
    size_t number_of(const Piece& piece) const { return static_cast<size_t>(&piece - pieces_.data()); }
    Shadow& shadow() { return shadow_; }

  private:
    uintptr_t base_;
    size_t next_ = 0, counted_ = 0, allowed_ = 0;
    std::vector<Piece> pieces_;
    std::vector<uint16_t> piece_of_;  // by units; 0: none
    Shadow shadow_;
};

SharedPieces& shared_pieces();

}  // namespace adaq::emulator
