#include "kernels/emulator/shared_pieces.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "kernels/emulator/misuse.h"
#include "kernels/emulator/sanitizer.h"
#include "kernels/emulator/shared_memory.h"

namespace adaq::emulator {
namespace {

constexpr std::align_val_t kAlignment{1024};

}  // namespace

SharedPieces::SharedPieces()
    : base_(reinterpret_cast<uintptr_t>(::operator new(kBytes, kAlignment))),
      piece_of_(kBytes / kUnit),
      shadow_(kBytes) {}

SharedPieces::~SharedPieces() { ::operator delete(reinterpret_cast<void*>(base_), kAlignment); }

void SharedPieces::start_block(size_t allowed_bytes) {
    std::fill_n(piece_of_.begin(), next_ / kUnit, uint16_t{0});
    poison(reinterpret_cast<void*>(base_), kBytes);
    pieces_.clear();
    next_ = counted_ = 0;
    allowed_ = allowed_bytes;
}

void* SharedPieces::take(size_t number, size_t bytes, size_t counted_bytes) {
    if (number < pieces_.size()) {
        const Piece& piece = pieces_[number];
        if (piece.bytes != bytes) {
            fail("takes {} bytes as piece {} of shared memory, of which another thread took {} bytes", bytes, number,
                 piece.bytes);
        }
        return reinterpret_cast<void*>(base_ + piece.begin);
    }
    counted_ += counted_bytes;
    if (counted_ > allowed_) {
        fail("takes {} bytes of shared memory; the launcher asked for {}", counted_, allowed_);
    }
    const size_t used = counted_bytes + kUnit;  // and a gap behind it
    if (next_ + used > kBytes) fail("takes more than {} pieces of shared memory", pieces_.size());
    const Piece piece{next_, bytes};
    pieces_.push_back(piece);
    std::fill_n(piece_of_.begin() + static_cast<std::ptrdiff_t>(next_ / kUnit), used / kUnit,
                static_cast<uint16_t>(pieces_.size()));
    next_ += used;
    void* begin = reinterpret_cast<void*>(base_ + piece.begin);
    unpoison(begin, bytes);
    std::memset(begin, 0xFF, bytes);
    return begin;
}

void* take_shared(size_t number, size_t bytes, size_t counted_bytes) {
    return shared_pieces().take(number, bytes, counted_bytes);
}

SharedPieces& shared_pieces() {
    static SharedPieces pieces;
    return pieces;
}

}  // namespace adaq::emulator
